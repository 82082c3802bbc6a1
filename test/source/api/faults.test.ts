import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiServer, RequestKind } from '../../doubles/api-server.ts';
import { complaints, type Running, until, withSource } from './harness.ts';
import { node, service, slice } from './objects.ts';

const db = (port: number) => service('db', port, {}, '10.96.0.12');

function fill(api: ApiServer): void {
  api.put(db(3306));
  api.put(slice('db', ['10.32.0.15']));
  api.put(node('node-a', '192.0.2.1'));
}

const portOfDb = ({ view }: Pick<Running, 'view'>) => {
  const object = view.objects.get('Service default/db');
  return object?.kind === 'Service' ? object.ports[0]?.port : undefined;
};

/** The parameters of the requests for Services. */
const queries = (api: ApiServer, on: RequestKind) =>
  api.requests.filter((request) => request.on === on && request.kind === 'Service').map(({ query }) => query);

/** The limits of the lists of Services: a list of one object is only for its version. */
const limits = (api: ApiServer) => queries(api, 'list').map((query) => query.get('limit'));

const watching = (api: ApiServer) => until(() => api.watches('Service') === 1);

describe('API server out of reach or refusing', () => {
  test('nobody listens: said once however many attempts, waits grow but stay short, then it syncs', async (t) => {
    const { api, view, log, waits } = await withSource(t, {
      prepare: fill,
      settings: { stableMs: 5, cutMinMs: 20, backoffMinMs: 100, steadyMs: 400, backoffMaxMs: 1000 },
    });
    await until(() => view.isSynced);
    await watching(api);
    const port = Number(new URL(api.url).port);
    await api.stop();
    waits.length = 0;
    await until(() => waits.length >= 24);
    const said = complaints(log);
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(
      said[0] ?? '',
      /^E_API_UNREACHABLE: API server https:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*kubeconfig/,
    );
    // Of each kind the cut comes first, and then the first attempt that nobody answers.
    const cuts = waits.filter((ms) => ms >= 20 && ms <= 40);
    const others = waits.filter((ms) => ms >= 100 && ms <= 400);
    assert.ok(cuts.length >= 1 && cuts.length <= 4, String(waits));
    assert.equal(cuts.length + others.length, waits.length, String(waits));
    assert.ok(others.filter((ms) => ms < 200).length <= 4, String(waits));
    // It comes back, and refuses for a while, as starting servers do: it gets as many requests as before.
    waits.length = 0;
    api.fail({ status: 403, times: 8 });
    await api.start(port);
    await until(() => waits.some((ms) => ms < 200));
    api.put(db(3307));
    await until(() => portOfDb({ view }) === 3307 && log.some((line) => line.includes('works again')));

    // After progress the waits are short again.
    waits.length = 0;
    api.end('Service', 'reset');
    await until(() => waits.length > 0);
    assert.ok((waits[0] ?? 0) <= 40, String(waits));
  });

  test('401 and 5xx: retried until it answers, each problem said once', async (t) => {
    const { view, log, api, waits } = await withSource(t, {
      prepare: (server) => {
        fill(server);
        server.fail({ status: 401, times: Number.POSITIVE_INFINITY });
      },
    });
    await until(() => waits.length > 9);
    api.heal();
    api.fail({ status: 503, body: '<html>busy</html>', times: Number.POSITIVE_INFINITY });
    waits.length = 0;
    await until(() => waits.length > 9);
    assert.ok(!view.isSynced);
    api.heal();
    await until(() => view.isSynced);
    const said = complaints(log);
    for (const resource of ['services', 'endpointslices', 'nodes', 'servicecidrs']) {
      assert.equal(
        said.filter((line) => line.startsWith('E_API_REFUSED') && line.includes(`401 for ${resource}`)).length,
        1,
      );
      assert.equal(
        said.filter((line) => line.startsWith('E_API_UNREACHABLE') && line.includes(`503 for ${resource}`)).length,
        1,
      );
    }
    assert.equal(said.length, 8, said.join('\n'));
  });

  test('403 on nodes alone: not synced, and what to grant is said', async (t) => {
    const message = 'nodes "node-a" is forbidden: User "x" cannot list resource "nodes"';
    const { view, log, api, waits } = await withSource(t, {
      prepare: (server) => {
        fill(server);
        server.fail({ kind: 'Node', status: 403, message, times: Number.POSITIVE_INFINITY });
      },
    });
    await until(() => view.keys('Service').length === 1 && waits.length > 3);
    assert.ok(!view.isSynced);
    assert.deepEqual(complaints(log), [
      `E_API_REFUSED: API server ${api.url} answers 403 for nodes: ${message}; retrying; ` +
        'grant list and watch on nodes (ClusterRole system:node-proxier)',
    ]);
    api.heal();
    await until(() => view.isSynced);
  });

  test('429: waits as long as Retry-After says', async (t) => {
    const { view, waits } = await withSource(t, {
      prepare: (server) => server.fail({ kind: 'Service', status: 429, headers: { 'retry-after': '77' } }),
    });
    await until(() => view.isSynced);
    assert.ok(waits.includes(77_000), String(waits));
  });

  test('a list that never comes, is closed, or is no list: requested again', async (t) => {
    const { view, log, api } = await withSource(t, {
      settings: { responseMs: 100 },
      prepare: (server) => {
        fill(server);
        server.streaming = 422;
        server.fail({ kind: 'Service', on: 'list', instead: 'hang' });
        server.fail({ kind: 'Service', on: 'list', instead: 'close' });
        server.fail({ kind: 'Service', on: 'list', status: 200, body: '<html>Log in</html>' });
        server.fail({ kind: 'Service', on: 'list', status: 200, body: '{"kind":"Status"}' });
      },
    });
    await until(() => view.isSynced);
    assert.equal(queries(api, 'list').length, 5);
    const said = complaints(log).join('\n');
    for (const part of [/no answer within 0\.1 s/, /socket hang up/, /is not JSON/, /is not a Kubernetes list/])
      assert.match(said, part);
  });

  test('a page longer than the bound is not taken', async (t) => {
    const { log, view } = await withSource(t, {
      settings: { maxPageBytes: 20 },
      prepare: (server) => {
        fill(server);
        server.streaming = 422;
      },
    });
    await until(() => complaints(log).length === 4);
    assert.match(complaints(log).join('\n'), /a page of services is longer than 20 bytes/);
    assert.equal(view.objects.size, 0);
  });

  test('pages that are too long are requested with fewer objects, and with more again after short ones', async (t) => {
    const long = { note: 'x'.repeat(500) };
    const { view, api, log } = await withSource(t, {
      settings: { pageSize: 16, pageBytes: 4000, maxPageBytes: 6000 },
      prepare: (server) => {
        server.streaming = 422;
        for (let i = 0; i < 20; i++) server.put(service(`a-${10 + i}`, 80, long, `10.96.1.${i}`));
        for (let i = 0; i < 40; i++) server.put(service(`b-${10 + i}`, 80, {}, `10.96.2.${i}`));
      },
    });
    await until(() => view.isSynced);
    assert.equal(view.keys('Service').length, 60);
    assert.equal(view.calls.filter((call) => call.startsWith('changed Service')).length, 60);
    const limits = api.requests
      .filter(({ on, kind }) => kind === 'Service' && (on === 'list' || on === 'page'))
      .map(({ query }) => Number(query.get('limit')));
    assert.deepEqual(limits.slice(0, 2), [16, 2]);
    assert.ok(
      limits.slice(2).some((limit, i) => limit > (limits[i + 1] ?? 0)),
      limits.join(),
    );
    assert.deepEqual(complaints(log), []);
  });

  test('a server that does not know the field selector on Services gets none', async (t) => {
    const { view, api } = await withSource(t, {
      prepare: (server) => {
        fill(server);
        server.streaming = 400;
        server.fail({ kind: 'Service', on: 'list', status: 400, message: 'field label not supported: spec.clusterIP' });
      },
    });
    await until(() => view.isSynced);
    assert.deepEqual(
      queries(api, 'list').map((query) => query.get('fieldSelector')),
      ['spec.clusterIP!=None', null],
    );
  });
});

describe('a resourceVersion that is gone', () => {
  for (const [how, on] of [
    ['status', 'list'],
    ['event', 'list'],
    ['status', 'stream'],
    ['event', 'stream'],
  ] as const) {
    test(`410 as ${how} of a watch: listed again (${on}), only the differences are passed on`, async (t) => {
      const running = await withSource(t, {
        prepare: (server) => {
          server.streaming = on === 'list' ? 422 : 'done';
          fill(server);
          server.put(service('stays', 80, {}, '10.96.0.20'));
          server.put(service('goes', 80, {}, '10.96.0.21'));
        },
      });
      const { view, api, log } = running;
      await until(() => view.isSynced);
      await watching(api);
      view.calls.length = 0;
      // Written behind the watch's back.
      api.store.put(db(3307));
      api.store.put(service('new', 80, {}, '10.96.0.22'));
      api.store.remove('Service', 'default/goes');
      api.store.compact();
      if (how === 'event') api.sendError('Service', 410);
      else {
        api.fail({ kind: 'Service', on: 'watch', status: 410 });
        api.end('Service', 'properly');
      }
      await until(() => view.calls.length >= 3);
      await watching(api);
      assert.deepEqual(view.calls.toSorted(), [
        'changed Service default/db',
        'changed Service default/new',
        'deleted Service default/goes',
      ]);
      assert.equal(queries(api, on).filter((query) => query.get('limit') !== '1').length, 2);
      assert.deepEqual(complaints(log), []);
    });
  }

  test('410 between two pages: the list starts again, and the third time has no limit', async (t) => {
    for (const times of [1, 2]) {
      const { view, api } = await withSource(t, {
        settings: { pageSize: 2 },
        prepare: (server) => {
          server.streaming = 422;
          for (let i = 0; i < 5; i++) server.put(service(`s-${i}`, 80, {}, `10.96.1.${i}`));
          server.fail({ kind: 'Service', on: 'page', status: 410, times });
        },
      });
      await until(() => view.isSynced);
      assert.equal(view.keys('Service').length, 5);
      assert.equal(view.calls.filter((call) => call.startsWith('changed')).length, 5);
      assert.deepEqual(
        queries(api, 'list').map((query) => query.get('limit')),
        times === 1 ? ['2', '2'] : ['2', '2', null],
      );
    }
  });

  test('watches refused again and again, though not with 410: listed again in the end', async (t) => {
    const { view, api } = await withSource(t, {
      prepare: (server) => {
        fill(server);
        server.streaming = 422;
        server.fail({ kind: 'Service', on: 'watch', status: 504, message: 'Too large resource version', times: 6 });
      },
    });
    await until(() => api.watches('Service') === 1);
    assert.equal(queries(api, 'watch').length, 7);
    assert.ok(queries(api, 'list').length > 1);
    assert.deepEqual(view.keys('Service'), ['default/db']);
  });
});

describe('a watch that breaks off', () => {
  /** Each breaks the open watch of Services in its way; and what the log says of it. */
  const breaks: Readonly<Record<string, [breakOff: (api: ApiServer) => void, said: RegExp]>> = {
    'in the middle of a line': [
      (api) => {
        api.write(
          'Service',
          '{"type":"MODIFIED","object":{"kind":"Service","metadata":{"name":"db","resourceVersion":"9999"',
        );
        api.end('Service', 'reset');
      },
      /broke off/,
    ],
    'in the middle of a line, though properly': [
      (api) => {
        api.write('Service', '{"type":"ADDED","object":{"kind":"Service","metadata":{"resourceVersion":"9999"}}}');
        api.end('Service', 'properly');
      },
      /cut in the middle of a line/,
    ],
    'between two lines': [(api) => api.end('Service', 'reset'), /broke off/],
    'with a line that is no JSON, and a good one behind it': [
      (api) => {
        const bookmark = { type: 'BOOKMARK', object: { kind: 'Service', metadata: { resourceVersion: '9999' } } };
        api.write('Service', `{"type":"MODIFIED","obj%%%\n${JSON.stringify(bookmark)}\n`);
      },
      /is not an event/,
    ],
    'with a line that is no event': [(api) => api.write('Service', '{"type":"SURPRISE"}\n'), /is not an event/],
    'with an ERROR event of another code': [(api) => api.sendError('Service', 500), /answers 500 for services/],
    'with a line that never ends': [(api) => api.write('Service', 'x'.repeat(70_000)), /longer than 65536 bytes/],
    'by silence': [(api) => api.silence('Service'), /nothing more within 0\.[3-6]\d* s/],
  };
  for (const [how, [breakOff, said]] of Object.entries(breaks)) {
    test(`${how}: resumed from the last version seen, nothing is lost`, async (t) => {
      const running = await withSource(t, { prepare: fill, settings: { maxLineBytes: 65_536, silenceMs: 300 } });
      const { view, api, log } = running;
      await until(() => view.isSynced);
      await watching(api);
      api.put(db(3307));
      await until(() => portOfDb(running) === 3307);
      const last = String(api.store.version);
      view.calls.length = 0;
      api.requests.length = 0;
      // The next change happens while the watch is broken: only a watch from `last` on will show it.
      breakOff(api);
      api.store.put(db(3308));
      await until(() => portOfDb(running) === 3308);
      assert.deepEqual(view.calls, ['changed Service default/db']);
      assert.deepEqual(limits(api), ['1']);
      assert.equal(queries(api, 'watch')[0]?.get('resourceVersion'), last);
      assert.ok(
        log.some((line) => said.test(line)),
        log.join(''),
      );
    });
  }

  test('a bookmark moves the version to resume from', async (t) => {
    const { view, api } = await withSource(t, { prepare: fill });
    await until(() => view.isSynced);
    await watching(api);
    api.put(node('node-a', '192.0.2.2'));
    api.sendBookmark('Service');
    api.end('Service', 'reset');
    await until(() => queries(api, 'watch').length > 0);
    assert.equal(queries(api, 'watch')[0]?.get('resourceVersion'), String(api.store.version));
    assert.equal(queries(api, 'watch')[0]?.get('allowWatchBookmarks'), 'true');
  });

  test('ended by the server as soon as it begins: with growing waits, and said', async (t) => {
    const { view, api, log, waits } = await withSource(t, {
      settings: { stableMs: 60_000, backoffMinMs: 100, backoffMaxMs: 1000 },
      prepare: (server) => {
        server.streaming = 422;
        server.fail({ kind: 'Service', on: 'watch', status: 200, body: '', times: 12 });
      },
    });
    await until(() => view.isSynced && api.watches('Service') === 1);
    assert.equal(waits.length, 12);
    assert.ok((waits.at(-1) ?? 0) >= 500, String(waits));
    assert.equal(complaints(log).length, 1);
    assert.match(complaints(log)[0] ?? '', /the watch of services ends as soon as it begins/);
  });

  test('lines in small pieces, with characters of several bytes', async (t) => {
    const running = await withSource(t, { prepare: fill });
    await until(() => running.view.isSynced);
    await watching(running.api);
    running.api.dribble = true;
    const object = db(3309);
    running.api.put({ ...object, metadata: { ...object.metadata, annotations: { note: 'größer als 世界 🌍' } } });
    await until(() => portOfDb(running) === 3309);
    assert.deepEqual(complaints(running.log), []);
  });
});
