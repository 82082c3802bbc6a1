import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Kind, KubeObject } from '../../../src/objects/decode.ts';
import type { Connection } from '../../../src/source/api/connection.ts';
import type { RawObject } from '../../doubles/api-server-store.ts';
import { NODE_NAME, type Running, run, until } from './harness.ts';
import { node, service, serviceCidr, slice } from './objects.ts';

/** An API server, the double or a real one, with a way to write to it that is not the one under test. */
export interface Cluster {
  put(object: RawObject): Promise<void>;
  remove(kind: Kind, key: string): Promise<void>;
  connect(): Connection;
}

/**
 * The behaviour any API server and the source show together. A real one has objects of its own (Service
 * `kubernetes`), so tests look only at theirs; names are unique per test, since all may share one server.
 */
export function conformance(name: string, open: (t: TestContext) => Promise<Cluster>): void {
  const begin = async (
    t: TestContext,
    cluster: Cluster,
    settings: Parameters<typeof run>[1] = {},
  ): Promise<Running> => {
    const running = run(cluster.connect(), settings);
    t.after(() => running.stop());
    await until(() => running.view.isSynced);
    return running;
  };
  const portOf = (object: KubeObject | undefined) => (object?.kind === 'Service' ? object.ports[0]?.port : undefined);

  describe(`API source with ${name}`, () => {
    test('lists what is there, and then is synced, once', async (t) => {
      const cluster = await open(t);
      await cluster.put(service('list-a', 81));
      await cluster.put(slice('list-a', ['10.32.0.1', '10.32.0.2']));
      await cluster.put(node(NODE_NAME, '192.0.2.1'));
      const { view } = await begin(t, cluster);
      assert.equal(view.calls.filter((call) => call === 'synced').length, 1);
      assert.ok(view.calls.indexOf('changed Service default/list-a') < view.calls.indexOf('synced'));
      assert.equal(portOf(view.objects.get('Service default/list-a')), 81);
      const listed = view.objects.get('EndpointSlice default/list-a');
      assert.ok(listed?.kind === 'EndpointSlice');
      assert.deepEqual(
        listed.endpoints.map(({ address }) => address),
        ['10.32.0.1', '10.32.0.2'],
      );
      const own = view.objects.get(`Node ${NODE_NAME}`);
      assert.ok(own?.kind === 'Node');
      assert.deepEqual(own.addresses, ['192.0.2.1']);
    });

    test('lists in pages', async (t) => {
      const cluster = await open(t);
      const names = Array.from({ length: 23 }, (_, i) => `page-${i}`);
      await Promise.all(names.map((each) => cluster.put(slice(each, ['10.32.0.1']))));
      const { view } = await begin(t, cluster, { pageSize: 5 });
      const mine = view.keys('EndpointSlice').filter((key) => key.startsWith('default/page-'));
      assert.deepEqual(mine.toSorted(), names.map((each) => `default/${each}`).toSorted());
      for (const each of names) await cluster.remove('EndpointSlice', `default/${each}`);
    });

    test('follows additions, changes and deletions', async (t) => {
      const cluster = await open(t);
      const { view } = await begin(t, cluster);
      await cluster.put(service('follow', 81));
      await until(() => portOf(view.objects.get('Service default/follow')) === 81);
      await cluster.put(service('follow', 82));
      await until(() => portOf(view.objects.get('Service default/follow')) === 82);
      await cluster.put(slice('follow', ['10.32.0.9']));
      await until(() => view.objects.has('EndpointSlice default/follow'));
      await cluster.remove('Service', 'default/follow');
      await cluster.remove('EndpointSlice', 'default/follow');
      await until(
        () => !view.objects.has('Service default/follow') && !view.objects.has('EndpointSlice default/follow'),
      );
    });

    test('leaves Services to another proxy when they say so, and takes them back', async (t) => {
      const cluster = await open(t);
      const other = { 'service.kubernetes.io/service-proxy-name': 'other' };
      await cluster.put(service('other-proxy', 81, other));
      await cluster.put(service('ours', 81));
      const { view } = await begin(t, cluster);
      assert.ok(view.objects.has('Service default/ours'));
      assert.ok(!view.objects.has('Service default/other-proxy'));
      await cluster.put(service('ours', 81, other));
      await until(() => !view.objects.has('Service default/ours'));
      await cluster.put(service('other-proxy', 81));
      await until(() => view.objects.has('Service default/other-proxy'));
    });

    test('does not see headless Services and their slices', async (t) => {
      const cluster = await open(t);
      await cluster.put(service('headless', 81, {}, 'None'));
      await cluster.put(slice('headless', ['10.32.0.3'], { 'service.kubernetes.io/headless': '' }));
      const { view } = await begin(t, cluster);
      await cluster.put(slice('with-head', ['10.32.0.4']));
      await until(() => view.objects.has('EndpointSlice default/with-head'));
      assert.ok(!view.calls.some((call) => call.includes('default/headless')));
    });

    test('sees no Node but its own', async (t) => {
      const cluster = await open(t);
      await cluster.put(node('another-node', '192.0.2.77'));
      const { view } = await begin(t, cluster);
      await cluster.put(node(NODE_NAME, '192.0.2.5'));
      await until(() => {
        const own = view.objects.get(`Node ${NODE_NAME}`);
        return own?.kind === 'Node' && own.addresses[0] === '192.0.2.5';
      });
      assert.deepEqual(view.keys('Node'), [NODE_NAME]);
    });

    test('follows ServiceCIDRs', async (t) => {
      const cluster = await open(t);
      await cluster.put(serviceCidr('cidr-a', ['10.112.0.0/24']));
      const { view } = await begin(t, cluster);
      assert.ok(view.calls.indexOf('changed ServiceCIDR cidr-a') < view.calls.indexOf('synced'));
      await cluster.put(serviceCidr('cidr-b', ['10.113.0.0/24']));
      await until(() => view.objects.has('ServiceCIDR cidr-b'));
      await cluster.remove('ServiceCIDR', 'cidr-b');
      await until(() => !view.objects.has('ServiceCIDR cidr-b'));
      const listed = view.objects.get('ServiceCIDR cidr-a');
      assert.ok(listed?.kind === 'ServiceCIDR');
      assert.deepEqual(listed.cidrs, ['10.112.0.0/24']);
    });

    test('resumes, each time a watch ends, without a loss and without listing again', async (t) => {
      const cluster = await open(t);
      const { view, log } = await begin(t, cluster, { watchSeconds: () => 1, stableMs: 100 });
      for (let i = 0; i < 25; i++) {
        await cluster.put(service('resume', 1000 + i));
        await until(() => portOf(view.objects.get('Service default/resume')) === 1000 + i);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await cluster.remove('Service', 'default/resume');
      await until(() => !view.objects.has('Service default/resume'));
      assert.ok(!log.some((line) => line.includes('listing again')), log.join(''));
      assert.equal(view.calls.filter((call) => call === 'changed Service default/resume').length, 25);
    });
  });
}
