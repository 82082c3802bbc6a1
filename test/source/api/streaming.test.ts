import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Kind } from '../../../src/objects/decode.ts';
import type { ApiServer, RequestKind } from '../../doubles/api-server.ts';
import { complaints, until, withSource } from './harness.ts';
import { node, service, serviceCidr, slice } from './objects.ts';

const KINDS: readonly Kind[] = ['Service', 'EndpointSlice', 'Node', 'ServiceCIDR'];
const NAMES = ['a', 'b', 'c'];
const KEYS = NAMES.map((name) => `default/${name}`);
const ALWAYS = Number.POSITIVE_INFINITY;

const web = (name: string, port = 80) => service(name, port, {}, '10.96.0.12');

function fill(api: ApiServer): void {
  for (const name of NAMES) api.put(web(name));
  api.put(slice('a', ['10.32.0.15']));
  api.put(node('node-a', '192.0.2.1'));
  api.put(serviceCidr('kubernetes', ['10.96.0.0/12']));
}

/** Fills the server, and sets how it goes about streamed lists. */
const filled =
  (how: Partial<Pick<ApiServer, 'streaming' | 'initialObjects' | 'withholdsInitialEnd'>>) => (api: ApiServer) => {
    fill(api);
    Object.assign(api, how);
  };

const queries = (api: ApiServer, kind: Kind, on: RequestKind) =>
  api.requests.filter((request) => request.on === on && request.kind === kind).map(({ query }) => query);

/** The requests for Services, in order. */
const requested = (api: ApiServer) => api.requests.filter(({ kind }) => kind === 'Service').map(({ on }) => on);

const fallbacks = (log: readonly string[]) => log.filter((line) => line.includes('does not stream lists'));

/** Every open watch of Services has lost its place: it must be listed again. */
function forget(api: ApiServer): void {
  api.store.compact();
  api.sendError('Service', 410);
}

describe('a list that is streamed', () => {
  test('one request for each kind: all there is, then synced, then changes', async (t) => {
    const { view, api, log } = await withSource(t, { prepare: fill });
    await until(() => view.isSynced);
    assert.deepEqual(view.keys('Service').toSorted(), KEYS);
    assert.equal(view.calls.indexOf('synced'), view.calls.length - 1);
    api.put(web('d'));
    api.remove('Service', 'default/a');
    api.put(slice('a', []));
    await until(() => view.calls.length === 10);
    assert.deepEqual(view.keys('Service').toSorted(), ['default/b', 'default/c', 'default/d']);
    assert.deepEqual(
      api.requests.map(({ on, kind }) => `${on} ${kind}`).toSorted(),
      KINDS.map((kind) => `stream ${kind}`).toSorted(),
    );
    const [query] = queries(api, 'Service', 'stream');
    const { timeoutSeconds, ...parameters } = Object.fromEntries(query ?? assert.fail());
    assert.ok(Number(timeoutSeconds) >= 300);
    assert.deepEqual(parameters, {
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      labelSelector: '!service.kubernetes.io/service-proxy-name',
      fieldSelector: 'spec.clusterIP!=None',
    });
    assert.deepEqual(complaints(log), []);
  });

  test('is not complete before its end: objects are passed on as they come, synced waits', async (t) => {
    const { view, api } = await withSource(t, { prepare: filled({ withholdsInitialEnd: true }) });
    await until(() => view.objects.size === 6);
    assert.ok(!view.isSynced);
    for (const kind of KINDS) api.sendInitialEnd(kind);
    await until(() => view.isSynced);
    assert.ok(api.requests.every(({ on }) => on === 'stream'));
  });

  test('while objects are changed and deleted', async (t) => {
    const { view, api } = await withSource(t, { prepare: filled({ withholdsInitialEnd: true }) });
    await until(() => view.objects.size === 6);
    api.remove('Service', 'default/a');
    api.remove('Service', 'default/b');
    api.put(web('b', 81));
    api.put(web('c', 82));
    for (const kind of KINDS) api.sendInitialEnd(kind);
    await until(() => view.isSynced);
    assert.deepEqual(view.keys('Service').toSorted(), ['default/b', 'default/c']);
    const b = view.objects.get('Service default/b');
    assert.equal(b?.kind === 'Service' && b.ports[0]?.port, 81);
    assert.equal(api.watches('Service'), 1);
  });

  test('again after 410: what it does not hold is gone, what is unchanged is not passed on', async (t) => {
    const { view, api } = await withSource(t, { prepare: fill });
    await until(() => view.isSynced);
    view.calls.length = 0;
    api.store.put(web('b', 81));
    api.store.remove('Service', 'default/c');
    forget(api);
    await until(() => view.calls.length === 2);
    assert.deepEqual(view.calls, ['changed Service default/b', 'deleted Service default/c']);
    assert.deepEqual(requested(api), ['stream', 'stream']);
  });

  test('forgotten as soon as it ended: listed again at once, but the second time after a wait', async (t) => {
    const { view, api, waits } = await withSource(t, { prepare: fill, settings: { stableMs: 1_000_000 } });
    await until(() => view.isSynced);
    for (const lists of [2, 3]) {
      forget(api);
      await until(() => requested(api).length === lists && api.watches('Service') === 1);
      assert.equal(waits.length, lists - 2);
    }
    assert.deepEqual(requested(api), ['stream', 'stream', 'stream']);
  });

  for (const how of ['reset', 'properly'] as const) {
    test(`broken off in the middle (${how}): nothing counts as gone, it starts again`, async (t) => {
      const { view, api, log } = await withSource(t, { prepare: fill });
      await until(() => view.isSynced);
      view.calls.length = 0;
      api.store.remove('Service', 'default/c');
      api.initialObjects = 1;
      forget(api);
      await until(() => requested(api).length === 2 && api.watches('Service') === 1);
      api.put(web('d'));
      await until(() => view.calls.length === 1);
      api.initialObjects = ALWAYS;
      api.end('Service', how);
      await until(() => view.calls.length === 2);
      assert.deepEqual(view.calls, ['changed Service default/d', 'deleted Service default/c']);
      assert.deepEqual(requested(api), ['stream', 'stream', 'stream']);
      assert.match(complaints(log).join(), how === 'reset' ? /broke off/ : /ended before their list did/);
    });
  }

  test('broken off again and again: after two, one in pages', async (t) => {
    const { view, api, log, waits } = await withSource(t, {
      prepare: (server) => {
        fill(server);
        server.fail({ kind: 'Service', on: 'stream', instead: 'close', times: ALWAYS });
      },
    });
    await until(() => view.isSynced && api.watches('Service') === 1);
    assert.deepEqual(requested(api), ['stream', 'stream', 'list', 'watch']);
    assert.equal(waits.length, 2);
    assert.equal(complaints(log).length, 1, complaints(log).join('\n'));
    // That is no reason never to stream again.
    api.heal();
    forget(api);
    await until(() => requested(api).length === 5 && api.watches('Service') === 1);
    assert.equal(requested(api).at(-1), 'stream');
  });

  test('from a server that is overloaded: requested again as a stream, after a wait', async (t) => {
    const { view, api, waits } = await withSource(t, {
      prepare: (server) => {
        fill(server);
        server.fail({ kind: 'Service', on: 'stream', status: 429, headers: { 'retry-after': '77' } });
      },
    });
    await until(() => view.isSynced);
    assert.deepEqual(requested(api), ['stream', 'stream']);
    assert.deepEqual(waits, [77_000]);
  });

  test('a long one leaves turns of the event loop to others', async (t) => {
    const { view } = await withSource(t, {
      prepare: (server) => {
        for (let i = 0; i < 2000; i++) {
          const object = web(`s-${i}`);
          server.put({ ...object, metadata: { ...object.metadata, annotations: { note: 'x'.repeat(2000) } } });
        }
      },
    });
    let seen = 0;
    let most = 0;
    while (!view.isSynced) {
      most = Math.max(most, view.objects.size - seen);
      seen = view.objects.size;
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A few buffers of 64 KiB, and not the whole that has come meanwhile.
    assert.ok(most > 0 && most < 150, String(most));
  });
});

describe('a server that does not stream lists', () => {
  for (const streaming of [400, 422] as const) {
    test(`and says so with ${streaming}: lists in pages at once, remembered`, async (t) => {
      const { view, api, log, waits } = await withSource(t, {
        prepare: filled({ streaming }),
        settings: { pageSize: 2 },
      });
      await until(() => view.isSynced && api.watches('Service') === 1);
      assert.deepEqual(requested(api), ['stream', 'list', 'page', 'watch']);
      view.calls.length = 0;
      api.store.remove('Service', 'default/c');
      forget(api);
      await until(() => view.calls.length === 1 && api.watches('Service') === 1);
      assert.deepEqual(requested(api).slice(4), ['list', 'watch']);
      assert.equal(fallbacks(log).length, 1, log.join(''));
      assert.deepEqual(complaints(log), []);
      assert.deepEqual(waits, []);
    });
  }

  test('but ignores the parameter: it is given up when nothing more comes, and remembered', async (t) => {
    const { view, api, log } = await withSource(t, {
      prepare: filled({ streaming: 'ignored' }),
      settings: { initialMs: 100 },
    });
    await until(() => view.isSynced && api.watches('Service') === 1);
    assert.deepEqual(requested(api), ['stream', 'list', 'watch']);
    assert.equal(view.calls.filter((call) => call === 'changed Service default/a').length, 1);
    forget(api);
    await until(() => requested(api).length === 5 && api.watches('Service') === 1);
    assert.deepEqual(requested(api).slice(3), ['list', 'watch']);
    assert.equal(fallbacks(log).length, 1, log.join(''));
    assert.deepEqual(complaints(log), []);
  });

  test('nor stays silent: changes are no sign that the list goes on', async (t) => {
    const { view, api } = await withSource(t, {
      prepare: filled({ streaming: 'ignored' }),
      settings: { initialMs: 100 },
    });
    let port = 1000;
    const busy = setInterval(() => {
      port += 1;
      for (const object of [web('a', port), node('node-a', `192.0.2.${port % 250}`)]) api.put(object);
    }, 10);
    t.after(() => clearInterval(busy));
    await until(() => view.isSynced);
    assert.ok(queries(api, 'Service', 'list').length > 0);
  });

  test('but sends a bookmark that is not the end: no need to wait', async (t) => {
    const { view, api } = await withSource(t, {
      prepare: filled({ streaming: 'ignored' }),
      settings: { initialMs: 1_000_000 },
    });
    await until(() => KINDS.every((kind) => api.watches(kind) === 1));
    for (const kind of KINDS) api.sendBookmark(kind);
    await until(() => view.isSynced);
    assert.deepEqual(view.keys('Service').toSorted(), KEYS);
  });

  test('what a list in pages does not hold is gone, also what the stream had shown', async (t) => {
    const { view, api } = await withSource(t, {
      prepare: filled({ streaming: 'ignored' }),
      settings: { initialMs: 1_000_000 },
    });
    await until(() => view.objects.size === 6 && api.watches('Service') === 1);
    api.store.remove('Service', 'default/b');
    for (const kind of KINDS) api.sendBookmark(kind);
    await until(() => view.isSynced);
    assert.deepEqual(view.keys('Service').toSorted(), ['default/a', 'default/c']);
  });

  test('and fails to list as well: that is not remembered against streaming', async (t) => {
    const { view, api, log } = await withSource(t, {
      prepare: (server) => {
        filled({ streaming: 422 })(server);
        server.fail({ kind: 'Service', on: 'list', status: 500, times: ALWAYS });
        for (const kind of KINDS.slice(1)) server.fail({ kind, status: 500, times: ALWAYS });
      },
    });
    await until(() => requested(api).includes('list'));
    api.streaming = 'done';
    await until(() => view.keys('Service').length === 3);
    assert.equal(requested(api).at(-1), 'stream');
    assert.deepEqual(fallbacks(log), []);
  });

  for (const [what, refuse] of [
    ['403, as where the role grants list only', (api: ApiServer) => api.fail({ on: 'stream', status: 403, times: 4 })],
    ['an ERROR event, as over an old etcd', (api: ApiServer) => filled({ withholdsInitialEnd: true })(api)],
  ] as const) {
    test(`for now, with ${what}: lists in pages at once, streams again later`, async (t) => {
      const { view, api, log, waits } = await withSource(t, {
        prepare: (server) => {
          fill(server);
          refuse(server);
        },
      });
      if (api.withholdsInitialEnd) {
        await until(() => view.objects.size === 6 && KINDS.every((kind) => api.watches(kind) === 1));
        for (const kind of KINDS) api.sendError(kind, 500);
      }
      await until(() => view.isSynced && api.watches('Service') === 1);
      assert.deepEqual(requested(api), ['stream', 'list', 'watch']);
      assert.deepEqual(waits, []);
      assert.deepEqual([...complaints(log), ...fallbacks(log)], []);
      api.heal();
      forget(api);
      await until(() => requested(api).length === 4 && api.watches('Service') === 1);
      assert.equal(requested(api).at(-1), 'stream');
    });
  }
});
