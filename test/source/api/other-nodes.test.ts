import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiServer } from '../../doubles/api-server.ts';
import { complaints, until, withSource } from './harness.ts';
import { node, service } from './objects.ts';

const KIND = 'Node';
const OTHERS = { kind: KIND, fieldSelector: 'metadata.name!=node-a', times: Number.POSITIVE_INFINITY } as const;
const settings = { absentMinMs: 10_000, absentMaxMs: 600_000 };

function prepare(api: ApiServer): void {
  api.put(service('db', 3306, {}, '10.96.0.12'));
  for (const name of ['node-a', 'node-b', 'node-c']) api.put(node(name, '192.0.2.1'));
}

describe('the Nodes of others', () => {
  test('are not requested unless that is wanted', async (t) => {
    const { view, api } = await withSource(t, { prepare });
    await until(() => view.isSynced);
    assert.deepEqual(view.keys(KIND), ['node-a']);
    const selectors = new Set(
      api.requests.filter(({ kind }) => kind === KIND).map(({ query }) => query.get('fieldSelector')),
    );
    assert.deepEqual([...selectors], ['metadata.name=node-a']);
  });

  test('are there before synced, and followed', async (t) => {
    const { view, api } = await withSource(t, { prepare, otherNodes: true });
    await until(() => view.isSynced && api.watches(KIND) === 2);
    assert.deepEqual(view.keys(KIND).sort(), ['node-a', 'node-b', 'node-c']);
    api.remove(KIND, 'node-b');
    api.put(node('node-d', '192.0.2.4'));
    await until(() => view.keys(KIND).sort().join() === 'node-a,node-c,node-d');
  });

  test('withheld: one line says what is without effect, nothing else stops; taken in once they are given', async (t) => {
    const { view, api, log } = await withSource(t, {
      otherNodes: true,
      settings,
      prepare: (server) => {
        prepare(server);
        server.fail({ ...OTHERS, status: 403, message: 'nodes is forbidden' });
      },
    });
    await until(() => view.isSynced);
    await until(
      () => api.requests.filter(({ query }) => query.get('fieldSelector') === OTHERS.fieldSelector).length > 10,
    );
    assert.deepEqual(view.keys(KIND), ['node-a']);
    const [first, ...rest] = complaints(log);
    assert.match(
      first ?? '',
      /^--skip-unreachable-nodes has no effect: API server \S+ does not let us list and watch them; grant that with ClusterRole system:node-proxier resource="?other nodes"? status=403$/,
    );
    assert.deepEqual(rest, []);
    api.heal();
    await until(() => view.keys(KIND).length === 3);
  });

  test('withheld later: they are forgotten, since what was known of them says nothing any more', async (t) => {
    const { view, api } = await withSource(t, { prepare, otherNodes: true, settings });
    await until(() => view.isSynced && api.watches(KIND) === 2);
    api.fail({ ...OTHERS, status: 404 });
    api.end(KIND, 'properly');
    await until(() => view.keys(KIND).join() === 'node-a');
  });
});
