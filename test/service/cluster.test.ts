import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Cluster } from '../../src/service/cluster.ts';
import { atOnce } from '../../src/service/steps.ts';
import { clusterWith } from '../builders/models.ts';
import { NODE_NAME, node, ready, service, serviceCidr, slice } from '../builders/objects.ts';

function slicesOf(cluster: Cluster, key: string): string[] {
  return [...cluster.slicesOf(key)].map(({ name }) => name).sort();
}

suite('the cluster', () => {
  test('keeps a slice that comes before its Service', () => {
    const cluster = clusterWith();
    assert.deepEqual(cluster.set(slice([ready('10.0.0.1')])), ['default/web']);
    assert.equal(cluster.service('default/web'), undefined);
    assert.deepEqual(cluster.set(service()), ['default/web']);
    assert.deepEqual(slicesOf(cluster, 'default/web'), ['web-1']);
    assert.deepEqual([...cluster.serviceKeys()], ['default/web']);
  });

  test('has the latest version of each object', () => {
    const cluster = clusterWith(
      service(),
      service({ clusterIps: ['10.96.0.11'] }),
      slice([ready('10.0.0.1')]),
      slice([]),
    );
    assert.deepEqual(cluster.service('default/web')?.clusterIps, ['10.96.0.11']);
    assert.deepEqual(
      [...cluster.slicesOf('default/web')].map(({ endpoints }) => endpoints),
      [[]],
    );
  });

  test('a slice that comes again concerns its Service, once', () => {
    const cluster = clusterWith(slice([]));
    assert.deepEqual(cluster.set(slice([ready('10.0.0.1')])), ['default/web']);
  });

  test('tells Services of one name in two namespaces apart', () => {
    const cluster = clusterWith(slice([]));
    assert.deepEqual(cluster.set(slice([], { namespace: 'prod' })), ['prod/web']);
    assert.deepEqual(slicesOf(cluster, 'default/web'), ['web-1']);
    assert.deepEqual(slicesOf(cluster, 'prod/web'), ['web-1']);
  });

  test('a slice that moves to another Service concerns both', () => {
    const cluster = clusterWith(slice([]));
    assert.deepEqual(cluster.set(slice([], { serviceName: 'api' })), ['default/web', 'default/api']);
    assert.deepEqual(slicesOf(cluster, 'default/web'), []);
    assert.deepEqual(slicesOf(cluster, 'default/api'), ['web-1']);
    assert.deepEqual(cluster.delete('EndpointSlice', 'default/web-1'), ['default/api']);
  });

  test('a deleted slice concerns its Service, whether that is there or not', () => {
    const cluster = clusterWith(slice([]), slice([], { name: 'web-2' }));
    assert.deepEqual(cluster.delete('EndpointSlice', 'default/web-1'), ['default/web']);
    assert.deepEqual(slicesOf(cluster, 'default/web'), ['web-2']);
    assert.deepEqual(cluster.delete('EndpointSlice', 'default/web-2'), ['default/web']);
    assert.deepEqual(slicesOf(cluster, 'default/web'), []);
  });

  test('the slices of a deleted Service stay until they are deleted themselves', () => {
    const cluster = clusterWith(service(), slice([]));
    assert.deepEqual(cluster.delete('Service', 'default/web'), ['default/web']);
    assert.equal(cluster.service('default/web'), undefined);
    assert.deepEqual(slicesOf(cluster, 'default/web'), ['web-1']);
  });

  test('deleting what is not there concerns nobody', () => {
    const cluster = clusterWith(slice([]));
    cluster.delete('EndpointSlice', 'default/web-1');
    assert.deepEqual(cluster.delete('EndpointSlice', 'default/web-1'), []);
    assert.deepEqual(cluster.delete('Service', 'default/web'), []);
    assert.deepEqual(cluster.delete('Node', NODE_NAME), []);
  });

  test('has the networks of all ServiceCIDRs, which concern no Service', () => {
    const cluster = clusterWith();
    assert.deepEqual(cluster.serviceCidrs, []);
    assert.deepEqual(cluster.set(serviceCidr('kubernetes', '10.96.0.0/12', 'fd00:96::/112')), []);
    cluster.set(serviceCidr('more', '10.200.0.0/16'));
    assert.deepEqual(cluster.serviceCidrs, ['10.96.0.0/12', 'fd00:96::/112', '10.200.0.0/16']);
    cluster.set(serviceCidr('kubernetes', '10.96.0.0/16'));
    assert.deepEqual([...cluster.serviceCidrs].sort(), ['10.200.0.0/16', '10.96.0.0/16']);
    const before = cluster.serviceCidrs;
    cluster.set(service());
    cluster.delete('ServiceCIDR', 'unknown');
    assert.equal(cluster.serviceCidrs, before, 'the same array shows that nothing changed');
    assert.deepEqual(cluster.delete('ServiceCIDR', 'kubernetes'), []);
    assert.deepEqual(cluster.serviceCidrs, ['10.200.0.0/16']);
  });

  test('knows this node and no other', () => {
    const cluster = clusterWith();
    const here = node({ addresses: ['192.0.2.1'] });
    assert.deepEqual(cluster.set(node({ name: 'node-b' })), []);
    assert.equal(cluster.node, undefined);
    assert.deepEqual(cluster.set(here), []);
    assert.equal(cluster.node, here);
    cluster.delete('Node', 'node-b');
    assert.equal(cluster.node, here);
    cluster.delete('Node', NODE_NAME);
    assert.equal(cluster.node, undefined);
  });
});

suite('nodes that are not Ready', () => {
  const nodeIs = (name: string, isReady: boolean) => node({ name, ...(!isReady && { unready: true }) });

  test('concern the Services with endpoints there', () => {
    const cluster = new Cluster(NODE_NAME, { skipUnreachableNodes: true });
    for (const [i, nodes] of [['b'], ['c'], ['c', 'b'], ['']].entries()) {
      const endpoints = nodes.map((nodeName, n) => ready(`10.0.${i}.${n}`, { nodeName }));
      cluster.set(slice(endpoints, { name: `s-${i}`, serviceName: `s-${i}` }));
    }
    for (const name of [NODE_NAME, 'b', 'c', 'd']) assert.deepEqual(cluster.set(nodeIs(name, true)), []);
    assert.deepEqual(atOnce(cluster.settleNodesSteps()), []);
    cluster.set(nodeIs('b', false));
    assert.deepEqual(atOnce(cluster.settleNodesSteps()), ['default/s-0', 'default/s-2']);
    assert.deepEqual([...(cluster.avoidedNodes ?? [])], ['b']);
    assert.equal(cluster.delete('Node', 'b').length, 0);
    assert.deepEqual(atOnce(cluster.settleNodesSteps()), ['default/s-0', 'default/s-2']);
  });

  test('are not part of the state to be saved', () => {
    const cluster = new Cluster(NODE_NAME, { skipUnreachableNodes: true });
    for (const name of [NODE_NAME, 'b']) cluster.set(nodeIs(name, false));
    assert.deepEqual(
      cluster.objects().map((object) => 'name' in object && object.name),
      [NODE_NAME],
    );
  });

  test('are not known without the option', () => {
    const cluster = clusterWith();
    cluster.set(slice([ready('10.0.0.1', { nodeName: 'b' })]));
    cluster.set(nodeIs('b', false));
    assert.deepEqual([atOnce(cluster.settleNodesSteps()), cluster.avoidedNodes], [[], undefined]);
  });
});
