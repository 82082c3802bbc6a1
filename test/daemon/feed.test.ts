import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Feed, type FeedListener } from '../../src/daemon/feed.ts';
import type { Node } from '../../src/objects/node.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';

const node: Node = {
  ...{ kind: 'Node', name: NODE_NAME, addresses: ['192.0.2.1'], zone: '', podCidrs: ['10.32.0.0/24'], eligible: true },
};

/** A feed and what its listener heard, a word each. */
function feed(args = { bindAddress: undefined, allowExternalIps: true }) {
  const cluster = new Cluster(NODE_NAME);
  const heard: string[] = [];
  const listener: Required<FeedListener> = {
    changing: ({ kind }, isListed) => heard.push(`${kind} is changing${isListed ? ', listed' : ''}`),
    deleting: (kind, key) => heard.push(`${kind} ${key} is going`),
    changed: (keys) => heard.push(`affected: ${keys.join() || 'none'}`),
    serviceCidrsChanged: () => heard.push('other service networks'),
    nodeChanged: () => heard.push('another node'),
    synced: () => heard.push('synced'),
  };
  return { cluster, feed: new Feed({ cluster, args, listener }), heard };
}

suite('the feed of a cluster', () => {
  test('takes objects in, and tells which Services they affect', () => {
    const { cluster, feed: own, heard } = feed();
    own.changed(service(), true);
    own.changed(slice([ready('10.32.0.15')]));
    own.deleted('Service', 'default/web');
    own.synced();
    assert.deepEqual(heard, [
      ...['Service is changing, listed', 'affected: default/web'],
      ...['EndpointSlice is changing', 'affected: default/web'],
      ...['Service default/web is going', 'affected: default/web'],
      'synced',
    ]);
    assert.equal(cluster.serviceCount, 0);
  });

  test('tells of an object before the cluster has it', () => {
    const cluster = new Cluster(NODE_NAME);
    const counts: number[] = [];
    const look = () => counts.push(cluster.serviceCount);
    const own = new Feed({
      cluster,
      args: { bindAddress: undefined, allowExternalIps: true },
      listener: { changing: look, changed: look, deleting: look },
    });
    own.changed(service());
    own.deleted('Service', 'default/web');
    assert.deepEqual(counts, [0, 1, 1, 0]);
  });

  test('takes objects in where nobody listens', () => {
    const cluster = new Cluster(NODE_NAME);
    const own = new Feed({ cluster, args: { bindAddress: undefined, allowExternalIps: true }, listener: {} });
    own.changed(service());
    assert.equal(cluster.serviceCount, 1);
    own.deleted('Service', 'default/web');
    assert.equal(cluster.serviceCount, 0);
  });

  test('takes objects in as this node is configured', () => {
    const { cluster, feed: own } = feed({ bindAddress: undefined, allowExternalIps: false });
    own.changed({ ...service(), externalIps: ['198.51.100.7'] });
    assert.deepEqual(cluster.service('default/web')?.externalIps, []);
  });

  test('tells of the Node only where the rules depend on what is different', () => {
    const { feed: own, heard } = feed();
    const told = () => heard.splice(0).includes('another node');
    own.changed(node);
    assert.equal(told(), true, 'there was none');
    own.changed({ ...node });
    assert.equal(told(), false, 'the same');
    own.changed({ ...node, eligible: false });
    assert.equal(told(), false, 'only health uses that');
    own.changed({ ...node, podCidrs: ['10.33.0.0/24'] });
    assert.equal(told(), true, 'other pod networks');
  });

  test('tells of other service networks', () => {
    const { feed: own, heard } = feed();
    own.changed({ kind: 'ServiceCIDR', name: 'kubernetes', cidrs: ['10.96.0.0/12'] });
    assert.equal(heard.splice(0).includes('other service networks'), true);
    own.changed(service());
    assert.equal(heard.includes('other service networks'), false);
  });
});
