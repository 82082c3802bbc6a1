import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import type { Service } from '../../src/objects/service.ts';
import { chooseEndpoints } from '../../src/service/endpoints.ts';
import { type Frontend, frontendsOf } from '../../src/service/frontend.ts';
import { HTTP, NODE_NAME, node, ready, service, servingTerminating, slice } from '../builders/objects.ts';

const HERE = { nodeName: NODE_NAME };

function frontends(
  changes: Partial<Service>,
  endpoints: readonly SliceEndpoint[] = [],
  addresses: readonly string[] = [],
) {
  return frontendsOf(service(changes), [slice(endpoints)], 'ip', { nodeName: NODE_NAME, node: node({ addresses }) });
}

const summary = ({ kind, address, port, policy }: Frontend) => `${kind} ${address} ${port} ${policy}`;
const addresses = (list: readonly { readonly address: string }[]) => list.map(({ address }) => address);

suite('a Service answers on', () => {
  test('its ClusterIP, load balancer IPs, external IPs and node ports, each with the policy that applies', () => {
    const changes = {
      type: 'LoadBalancer',
      ports: [{ ...HTTP, nodePort: 30080 }],
      loadBalancerIps: ['203.0.113.9'],
      externalIps: ['203.0.113.5', '2001:db8::5'],
      externalLocal: true,
    };
    assert.deepEqual(frontends(changes).map(summary), [
      'cluster-ip 10.96.0.10 80 cluster',
      'load-balancer-ip 203.0.113.9 80 local',
      'external-ip 203.0.113.5 80 local',
      'node-port  30080 local',
    ]);
    assert.deepEqual(frontends({ internalLocal: true }).map(summary), ['cluster-ip 10.96.0.10 80 local']);
  });

  test('an address that is both external and the load balancer’s once, as the latter', () => {
    const both = { loadBalancerIps: ['203.0.113.9'], externalIps: ['203.0.113.9'] };
    assert.deepEqual(frontends(both).slice(1).map(summary), ['load-balancer-ip 203.0.113.9 80 cluster']);
  });
});

suite('source ranges', () => {
  const ranges = (sourceRanges: readonly string[], nodeAddresses: readonly string[] = []) =>
    frontends({ loadBalancerIps: ['203.0.113.9'], sourceRanges }, [], nodeAddresses).map(
      (frontend) => frontend.sourceRanges,
    );

  test('hold for load balancer IPs only, without ranges inside others', () => {
    assert.deepEqual(ranges(['10.1.0.0/16', '10.0.0.0/8', '192.0.2.0/24', '10.0.0.0/8']), [
      [],
      ['10.0.0.0/8', '192.0.2.0/24'],
    ]);
  });

  test('of the other family only leave this one open', () => {
    assert.deepEqual(ranges(['2001:db8::/32']), [[], []]);
  });

  test('that hold this node let the load balancer’s own address in, which the node may connect from', () => {
    assert.deepEqual(ranges(['192.0.2.0/24'], ['192.0.2.1']), [[], ['192.0.2.0/24', '203.0.113.9/32']]);
    assert.deepEqual(ranges(['192.0.2.0/24'], ['198.51.100.1']), [[], ['192.0.2.0/24']]);
  });
});

suite('policy Local', () => {
  const here = (address: string) => ready(address, { nodeName: NODE_NAME });
  const external = (endpoints: readonly SliceEndpoint[]) => {
    const frontend = frontends({ externalIps: ['203.0.113.5'], externalLocal: true }, endpoints)[1];
    return frontend && [addresses(frontend.endpoints), addresses(frontend.localEndpoints), frontend.hasUsableEndpoints];
  };
  const internal = (endpoints: readonly SliceEndpoint[]) => {
    const frontend = frontends({ internalLocal: true }, endpoints)[0];
    return frontend && [addresses(frontend.endpoints), frontend.hasUsableEndpoints];
  };

  test('has all endpoints for clients on this node, those here for others', () => {
    assert.deepEqual(external([here('10.0.0.1'), ready('10.0.0.2')]), [['10.0.0.1', '10.0.0.2'], ['10.0.0.1'], true]);
    assert.deepEqual(internal([here('10.0.0.1'), ready('10.0.0.2')]), [['10.0.0.1'], true]);
  });

  test('knows that there are endpoints elsewhere, and that there are none at all', () => {
    assert.deepEqual(external([ready('10.0.0.2')]), [['10.0.0.2'], [], true]);
    assert.deepEqual(internal([ready('10.0.0.2')]), [[], true]);
    assert.deepEqual(internal([]), [[], false]);
  });

  test('falls back to endpoints that terminate here by itself, whatever policy Cluster does', () => {
    const leaving = { ...servingTerminating('10.0.0.1'), nodeName: NODE_NAME };
    assert.deepEqual(external([leaving, ready('10.0.0.2')]), [['10.0.0.2'], ['10.0.0.1'], true]);
    assert.deepEqual(external([leaving, here('10.0.0.3')]), [['10.0.0.3'], ['10.0.0.3'], true]);
    assert.deepEqual(external([leaving, servingTerminating('10.0.0.4')]), [
      ['10.0.0.1', '10.0.0.4'],
      ['10.0.0.1'],
      true,
    ]);
  });
});

suite('hints', () => {
  const a = ready('10.0.0.1', { zoneHints: ['a'], nodeHints: [NODE_NAME] });
  const b = ready('10.0.0.2', { zoneHints: ['b'], nodeHints: ['node-b'] });
  const chosen = (endpoints: readonly SliceEndpoint[], zone: string, name = HERE.nodeName) =>
    addresses(chooseEndpoints([slice(endpoints)], HTTP, 'ip', { name, zone }).cluster);

  test('for this node come first, then those for its zone', () => {
    assert.deepEqual(chosen([a, b], 'b'), ['10.0.0.1']);
    assert.deepEqual(chosen([a, b], 'b', 'node-c'), ['10.0.0.2']);
  });

  test('count only if every ready endpoint has some, and one names this node or zone', () => {
    assert.deepEqual(chosen([a, b, ready('10.0.0.3')], 'a'), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    assert.deepEqual(chosen([a, b], 'c', 'node-c'), ['10.0.0.1', '10.0.0.2']);
    assert.deepEqual(chosen([a, b], '', 'node-c'), ['10.0.0.1', '10.0.0.2']);
  });

  test('of endpoints that are not ready do not matter, and do not apply to those that terminate', () => {
    assert.deepEqual(chosen([a, b, servingTerminating('10.0.0.3')], '', 'node-a'), ['10.0.0.1']);
    const leaving = { ...servingTerminating('10.0.0.4'), zoneHints: ['b'] };
    assert.deepEqual(chosen([leaving, servingTerminating('10.0.0.5')], 'b'), ['10.0.0.4', '10.0.0.5']);
  });
});
