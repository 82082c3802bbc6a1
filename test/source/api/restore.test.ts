import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../../../src/source/api/settings.ts';
import type { ApiServer } from '../../doubles/api-server.ts';
import { complaints, type Running, until, withSource } from './harness.ts';
import { node, service, slice } from './objects.ts';

const web = (name: string, port = 80) => service(name, port, {}, '10.96.0.12');

const portOf = ({ view }: Pick<Running, 'view'>, name: string) => {
  const object = view.objects.get(`Service default/${name}`);
  return object?.kind === 'Service' ? object.ports[0]?.port : undefined;
};

const worksAgain = (log: readonly string[]) => log.filter((line) => line.includes('works again')).length;
const saysRestored = (log: readonly string[]) => log.filter((line) => line.includes('went back')).length;

/** The requests for Services since `requests` was emptied: "list", "list 1" with a limit of one, "watch", … */
const requested = (api: ApiServer) =>
  api.requests
    .filter(({ kind }) => kind === 'Service')
    .map(({ on, query }) => (query.get('limit') === '1' ? `${on} 1` : on));

/** A source that has seen a backup being made, and what was written after it: `changed` and `lost`, while `gone` was deleted. */
async function afterBackup(t: TestContext, settings: Partial<Settings> = {}) {
  const running = await withSource(t, {
    settings,
    prepare: (api) => {
      api.put(web('changed'));
      api.put(web('gone'));
      api.put(slice('changed', ['10.32.0.15']));
      api.put(node('node-a', '192.0.2.1'));
    },
  });
  const { view, api } = running;
  await until(() => view.isSynced);
  const backup = api.store.backup();
  api.put(web('changed', 81));
  api.put(web('lost'));
  api.remove('Service', 'default/gone');
  for (let i = 0; i < 5; i++) api.put(slice('changed', [`10.32.0.${i}`]));
  api.sendBookmark('Service');
  await until(() => portOf(running, 'changed') === 81 && portOf(running, 'lost') === 80);
  await until(() => portOf(running, 'gone') === undefined);
  view.calls.length = 0;
  api.requests.length = 0;
  const isRestored = () =>
    portOf(running, 'changed') === 80 && portOf(running, 'gone') === 80 && portOf(running, 'lost') === undefined;
  return { ...running, backup, isRestored };
}

describe('what is told', () => {
  for (const streaming of ['done', 400] as const) {
    test(`says whether a list has it so, or a watch told of it (streamed lists: ${streaming})`, async (t) => {
      const prepare = (api: ApiServer) => {
        api.streaming = streaming;
        api.put(slice('web', ['10.32.0.1']));
        api.put(slice('gone', ['10.32.0.1']));
      };
      const { view, api } = await withSource(t, { prepare });
      await until(() => view.isSynced);
      const initial = ['changed EndpointSlice default/web', 'changed EndpointSlice default/gone'];
      assert.deepEqual([...view.listed].sort(), initial.sort());
      view.listed.length = 0;
      const backup = api.store.backup();
      api.put(slice('web', ['10.32.0.2']));
      api.put(slice('later', ['10.32.0.2']));
      api.remove('EndpointSlice', 'default/gone');
      await until(() => view.calls.includes('deleted EndpointSlice default/gone'));
      assert.deepEqual(view.listed, []);
      const port = Number(new URL(api.url).port);
      await api.stop();
      api.store.restore(backup);
      await api.start(port);
      await until(() => view.calls.includes('deleted EndpointSlice default/later'));
      assert.deepEqual([...view.listed].sort(), [...initial, 'deleted EndpointSlice default/later'].sort());
    });
  }
});

describe('etcd restored from a backup', () => {
  test('while the server was away: listed again, and only then it works again', async (t) => {
    const { api, log, waits, view, backup, isRestored } = await afterBackup(t, { stableMs: 20 });
    const port = Number(new URL(api.url).port);
    await api.stop();
    await until(() => waits.length > 8);
    api.store.restore(backup);
    await api.start(port);
    let early = 0;
    await until(() => {
      if (!isRestored()) early = Math.max(early, worksAgain(log));
      return isRestored();
    });
    await until(() => worksAgain(log) > 0);
    assert.equal(early, 0, log.join(''));
    // And what comes next is seen, though its version is one we have seen before.
    api.put(web('changed', 82));
    await until(() => portOf({ view }, 'changed') === 82);
    assert.ok(saysRestored(log) > 0, log.join(''));
  });

  test('and written to until its version is past ours: listed again', async (t) => {
    const { api, waits, view, backup } = await afterBackup(t);
    const port = Number(new URL(api.url).port);
    const { version } = api.store;
    await api.stop();
    await until(() => waits.length > 8);
    api.store.restore(backup);
    // The first write since the backup was one to the same object: same key, same version, other content.
    api.put(web('changed', 82));
    while (api.store.version <= version) api.put(node('node-b', `192.0.2.${api.store.version}`));
    await api.start(port);
    await until(() => portOf({ view }, 'gone') === 80 && portOf({ view }, 'lost') === undefined);
    await until(() => portOf({ view }, 'changed') === 82);
  });

  test('and our watch only broke off: found out by comparing versions', async (t) => {
    const { api, log, backup, isRestored } = await afterBackup(t);
    api.store.restore(backup);
    api.end('Service', 'reset');
    await until(isRestored);
    await until(() => api.watches('Service') === 1);
    assert.deepEqual(requested(api), ['list 1', 'stream']);
    assert.equal(saysRestored(log), 1, log.join(''));
    assert.deepEqual(complaints(log), []);
  });

  test('under an open watch, which falls silent: found out when bookmarks stay away', async (t) => {
    const { api, backup, isRestored } = await afterBackup(t, { silenceMs: 200 });
    api.store.restore(backup);
    for (const kind of ['Service', 'EndpointSlice', 'Node', 'ServiceCIDR'] as const) api.silence(kind);
    await until(isRestored);
    assert.deepEqual(requested(api).slice(0, 2), ['list 1', 'stream']);
  });

  for (const [what, line] of [
    ['a bookmark', { type: 'BOOKMARK', object: { kind: 'Service', metadata: { resourceVersion: '99' } } }],
    [
      'an event',
      { type: 'MODIFIED', object: { ...web('lost', 99), metadata: { name: 'lost', resourceVersion: '99' } } },
    ],
  ] as const) {
    test(`told by ${what} below our version: listed again, at once`, async (t) => {
      const { api, log, waits, view, backup, isRestored } = await afterBackup(t);
      api.store.restore(backup);
      api.write('Service', `${JSON.stringify(line)}\n`);
      await until(isRestored);
      assert.deepEqual(requested(api), ['stream']);
      assert.ok(!view.calls.includes('changed Service default/lost'));
      assert.deepEqual(waits, []);
      assert.deepEqual(complaints(log), []);
    });
  }

  test('told by 504 and its cause, where a watch is not served from memory: listed again, at once', async (t) => {
    const { api, log, waits, backup, isRestored } = await afterBackup(t);
    api.store.restore(backup);
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: 504,
      reason: 'Timeout',
      details: { causes },
    };
    api.write('Service', `${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    await until(isRestored);
    assert.deepEqual(requested(api), ['stream']);
    assert.deepEqual(waits, []);
    assert.deepEqual(complaints(log), []);
  });

  test('again and again: listed each time, after a wait from the second on', async (t) => {
    const { api, waits, backup, isRestored } = await afterBackup(t, { stableMs: 1_000_000 });
    for (const times of [1, 2, 3]) {
      api.store.restore(backup);
      api.write('Service', `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } })}\n`);
      await until(() => requested(api).length === times && api.watches('Service') === 1);
      assert.equal(waits.length, times - 1);
    }
    assert.ok(isRestored());
  });
});

describe('a watch event that can never be taken in', () => {
  for (const [what, settings, annotations] of [
    ['it is too long', { maxLineBytes: 4096 }, { note: 'x'.repeat(8000) }],
  ] as const) {
    test(`${what}: after three attempts from the same version, listed again`, async (t) => {
      const running = await withSource(t, { settings, prepare: (api) => api.put(web('db')) });
      const { api, view, log } = running;
      await until(() => view.isSynced);
      api.requests.length = 0;
      const object = web('db', 81);
      api.put({ ...object, metadata: { ...object.metadata, annotations } });
      await until(() => portOf(running, 'db') === 81);
      // A stream takes it no better than a watch; a list in pages does.
      const steps = requested(api);
      const upToList = steps.slice(0, steps.indexOf('list') + 1);
      assert.deepEqual(upToList, ['list 1', 'watch', 'list 1', 'watch', 'stream', 'stream', 'list']);
      assert.match(complaints(log).join('\n'), /a line in the watch of services is longer than 4096 bytes/);
      api.put(web('db', 82));
      await until(() => portOf(running, 'db') === 82);
      await until(() => worksAgain(log) === 1);
    });
  }

  test('but one that breaks off for another reason each time it was stable is no reason to list', async (t) => {
    const { api, view } = await withSource(t, {
      settings: { stableMs: 1 },
      prepare: (server) => server.put(web('db')),
    });
    await until(() => view.isSynced);
    api.requests.length = 0;
    for (let i = 1; i <= 6; i++) {
      await until(() => api.watches('Service') === 1);
      await delay(30);
      api.end('Service', 'reset');
      await until(() => requested(api).length === 2 * i);
    }
    assert.deepEqual(new Set(requested(api)), new Set(['list 1', 'watch']));
  });
});
