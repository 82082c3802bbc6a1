import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiServer, Fault } from '../../doubles/api-server.ts';
import { complaints, until, withSource } from './harness.ts';
import { node, service, serviceCidr, slice } from './objects.ts';

const KIND = 'ServiceCIDR';
const ALWAYS = Number.POSITIVE_INFINITY;

/** A cluster, and what becomes of requests for its ServiceCIDRs. */
const withFault =
  (fault: Fault | undefined) =>
  (api: ApiServer): void => {
    api.put(service('db', 3306, {}, '10.96.0.12'));
    api.put(slice('db', ['10.32.0.15']));
    api.put(node('node-a', '192.0.2.1'));
    api.put(serviceCidr('kubernetes', ['10.96.0.0/12']));
    if (fault !== undefined) api.fail({ kind: KIND, times: ALWAYS, ...fault });
  };

const requests = (api: ApiServer) => api.requests.filter(({ kind }) => kind === KIND);

/** Lines about the resource without time and process: "I continuing without …". */
const said = (log: readonly string[]) =>
  log.filter((line) => line.includes('servicecidrs')).map((line) => line.replace(/^(.).*?\] /, '$1 ').trimEnd());

/** A resource no API server need have: all else goes on without it. */
describe('ServiceCIDRs', () => {
  test('are there before synced where the server gives them', async (t) => {
    const { view } = await withSource(t, { prepare: withFault(undefined) });
    await until(() => view.isSynced);
    const before = view.calls.slice(0, view.calls.indexOf('synced'));
    assert.ok(before.includes('changed ServiceCIDR kubernetes'), view.calls.join());
  });

  for (const [status, why] of [
    [404, 'does not have them'],
    [403, 'does not let us list and watch them; grant that with ClusterRole system:node-proxier'],
  ] as const) {
    test(`${status}: synced without them, said once, looked at seldom, taken in once they are there`, async (t) => {
      const { view, api, log, waits } = await withSource(t, {
        prepare: withFault({ status, message: `at ${Math.random()}` }),
        settings: { backoffMinMs: 1, backoffMaxMs: 2, absentMinMs: 10_000, absentMaxMs: 600_000 },
      });
      await until(() => view.isSynced);
      await until(() => requests(api).length >= 20);
      assert.deepEqual(said(log), [`I continuing without servicecidrs: API server ${api.url} ${why} status=${status}`]);
      assert.deepEqual(complaints(log), []);
      assert.deepEqual(view.keys(KIND), []);
      assert.ok(
        waits.every((ms) => ms >= 10_000 && ms <= 600_000),
        String(waits),
      );
      assert.ok((waits[0] ?? 0) <= 20_000 && (waits.at(-1) ?? 0) >= 300_000, String(waits));

      api.heal();
      await until(() => view.keys(KIND).length === 1 && said(log).length === 2);
      assert.equal(said(log)[1], `I API server ${api.url} has servicecidrs now`);
      assert.equal(view.calls.filter((call) => call === 'synced').length, 1);
    });
  }

  test('that may be listed but not watched are listed seldom, and that is said once', async (t) => {
    const { view, api, log } = await withSource(t, {
      prepare: (server) => {
        withFault({ on: 'watch', status: 403 })(server);
        server.fail({ kind: KIND, on: 'stream', status: 403, times: ALWAYS });
      },
    });
    await until(() => view.isSynced);
    api.put(serviceCidr('more', ['10.200.0.0/16']));
    api.remove(KIND, 'kubernetes');
    await until(() => view.keys(KIND).join() === 'more');
    await until(() => requests(api).length >= 20);
    assert.equal(said(log).length, 1, log.join(''));
  });

  test('stay as they were where they are withheld later', async (t) => {
    const { view, api, log } = await withSource(t, { prepare: withFault(undefined) });
    await until(() => view.isSynced && api.watches(KIND) === 1);
    api.fail({ kind: KIND, status: 404, times: ALWAYS });
    api.end(KIND, 'properly');
    await until(() => said(log).length === 1);
    assert.deepEqual(view.keys(KIND), ['kubernetes']);
  });

  for (const fault of [
    { status: 500 },
    { status: 429, headers: { 'retry-after': '77' } },
    { instead: 'close' },
  ] as const) {
    const what = 'status' in fault ? fault.status : fault.instead;
    test(`${what}: synced without them, one warning, retried as usual, taken in once they come`, async (t) => {
      const { view, api, log } = await withSource(t, { prepare: withFault(fault) });
      await until(() => view.isSynced);
      await until(() => requests(api).length >= 10);
      assert.equal(complaints(log).length, 1, complaints(log).join('\n'));
      assert.match(complaints(log)[0] ?? '', /^E_API_UNREACHABLE: /);
      api.heal();
      await until(() => view.keys(KIND).length === 1);
      await until(() => log.some((line) => line.includes('works again')));
      assert.equal(view.calls.filter((call) => call === 'synced').length, 1);
    });
  }

  test('whose list never comes are not waited for as long as others', async (t) => {
    const { view, log } = await withSource(t, {
      prepare: withFault({ instead: 'hang' }),
      settings: { responseMs: 1_000_000, optionalResponseMs: 50 },
    });
    await until(() => view.isSynced);
    assert.match(complaints(log).join('\n'), /no answer within 0\.05 s/);
  });

  test('do not make up for a kind that is needed', async (t) => {
    const { view, waits } = await withSource(t, {
      prepare: (api) => {
        withFault({ status: 404 })(api);
        api.fail({ kind: 'EndpointSlice', status: 500, times: ALWAYS });
      },
    });
    await until(() => view.keys('Service').length === 1 && waits.length > 10);
    assert.ok(!view.isSynced);
  });

  test('are followed: added, changed, deleted', async (t) => {
    const { view, api } = await withSource(t, { prepare: withFault(undefined) });
    await until(() => view.isSynced && api.watches(KIND) === 1);
    view.calls.length = 0;
    const more = () => {
      const object = view.objects.get('ServiceCIDR more');
      return object?.kind === 'ServiceCIDR' ? object.cidrs : [];
    };
    api.put(serviceCidr('more', ['10.200.0.0/16']));
    await until(() => more().join() === '10.200.0.0/16');
    api.put(serviceCidr('more', ['10.200.0.0/16', 'fd00:96::/112']));
    await until(() => more().length === 2);
    api.remove(KIND, 'more');
    await until(() => more().length === 0);
    assert.deepEqual(view.calls, ['changed ServiceCIDR more', 'changed ServiceCIDR more', 'deleted ServiceCIDR more']);
  });
});
