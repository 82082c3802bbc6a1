import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Draws } from './draws.ts';
import { type Edit, RandomCluster, type Step } from './random-cluster.ts';

function life(seed: number, steps: number): readonly Step[] {
  const cluster = new RandomCluster(new Draws(seed));
  return [{ edits: cluster.first() }, ...Array.from({ length: steps }, () => cluster.next())];
}

function withoutAnnotations(edit: Edit): Edit {
  if ('remove' in edit) return edit;
  const { annotations: _, ...metadata } = edit.apply.metadata;
  return { apply: { ...edit.apply, metadata: { ...metadata, name: edit.apply.metadata.name } } };
}

describe('random clusters', () => {
  it('are the same for the same seed, and others for another', () => {
    assert.deepEqual(life(1, 20), life(1, 20));
    assert.notDeepEqual(life(1, 20), life(2, 20));
  });

  it('have everything a Service, a slice and a Node can have', () => {
    const steps = Array.from({ length: 60 }, (_, seed) => life(seed, 20)).flat();
    const text = JSON.stringify(steps);
    for (const part of [
      ...[
        '"type":"ClusterIP"',
        '"type":"NodePort"',
        '"type":"LoadBalancer"',
        '"type":"ExternalName"',
        '"clusterIP":"None"',
      ],
      ...[
        '"protocol":"TCP"',
        '"protocol":"UDP"',
        '"protocol":"SCTP"',
        '"externalIPs":["',
        '"loadBalancerSourceRanges":["',
      ],
      ...['"externalTrafficPolicy":"Local"', '"internalTrafficPolicy":"Local"', '"sessionAffinity":"ClientIP"'],
      ...['"ipMode":"VIP"', '"ipMode":"Proxy"', '"allocateLoadBalancerNodePorts":false', 'service-proxy-name'],
      ...['"forZones":[{', '"forNodes":[{', '"terminating":true', '"serving":false', '"ready":false'],
      ...[
        '"ipFamilies":["IPv6","IPv4"]',
        '"ipFamilies":["IPv4"]',
        '"ipFamilies":["IPv6"]',
        'ToBeDeletedByClusterAutoscaler',
      ],
      ...['"remove":["Service"', '"remove":["EndpointSlice"', '"remove":["ServiceCIDR"', '"kind":"ServiceCIDR"'],
    ]) {
      assert.ok(text.includes(part), part);
    }
    assert.ok(steps.some(({ killedAt }) => killedAt !== undefined));
  });

  it('have annotations beside the same plans, where these are requested', () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const annotated = new RandomCluster(new Draws(seed), new Draws(seed, 2));
      const steps = [{ edits: annotated.first() }, ...Array.from({ length: 20 }, () => annotated.next())];
      const plain = steps.map(({ edits, ...rest }) => ({ ...rest, edits: edits.map(withoutAnnotations) }));
      assert.deepEqual(plain, life(seed, 20));
      for (const found of JSON.stringify(steps).match(/"kube-proxy-nft\/[^,}]+/g) ?? []) kinds.add(found);
    }
    assert.equal(kinds.size, 13, [...kinds].join('\n'));
  });

  it('delete Services before their slices, and after them', () => {
    const orders = new Set<string>();
    for (const { edits } of Array.from({ length: 40 }, (_, seed) => life(seed, 20)).flat()) {
      const kinds = edits.map((edit) => ('remove' in edit ? edit.remove[0] : ''));
      const [service, slice] = [kinds.indexOf('Service'), kinds.indexOf('EndpointSlice')];
      if (service >= 0 && slice >= 0) orders.add(service < slice ? 'Service first' : 'slices first');
    }
    assert.deepEqual([...orders].sort(), ['Service first', 'slices first']);
  });
});
