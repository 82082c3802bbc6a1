import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog } from '../../../src/log.ts';
import { createApiSource } from '../../../src/source/api/api-source.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { EventSender } from '../../../src/source/api/events.ts';
import { until, View, withServer } from './harness.ts';

test('each request is told once, with its method, host and status', async (t) => {
  const { api, directory } = await withServer(t);
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig);
  const { host } = new URL(api.url);
  const log = createLog(0, () => {});
  const told: string[] = [];
  const onAnswer = (method: string, to: string, status: number | undefined) => {
    assert.equal(to, host);
    told.push(`${method} ${status}`);
  };
  api.streaming = 422;
  api.fail({ kind: 'Service', on: 'list', status: 503, headers: { 'retry-after': '0' } });
  api.fail({ kind: 'Node', on: 'list', instead: 'close' });
  api.fail({ kind: 'EndpointSlice', on: 'watch', instead: 'close' });
  const stopped = new AbortController();
  const view = new View();
  const connection = loadConnection({ kubeconfig, environment: {} });
  const settings = { backoffMinMs: 1, backoffMaxMs: 2 };
  const source = createApiSource({ connection, nodeName: 'node-a', log, onAnswer, settings });
  const ended = source.run(view, stopped.signal);
  await until(
    () => view.isSynced && (['Service', 'EndpointSlice', 'Node'] as const).every((k) => api.watches(k) === 1),
  );
  await until(() => api.watches('ServiceCIDR') === 1);
  await until(() => told.length === api.requests.length);
  const count = (what: string) => told.filter((each) => each === what).length;
  assert.equal(count('GET 503'), 1);
  assert.equal(count('GET undefined'), 2);
  assert.equal(count('GET 422') + count('GET 200') + 3, told.length);
  assert.ok(count('GET 422') >= 4 && count('GET 200') >= 8, told.join());

  told.length = 0;
  const sender = new EventSender({ connection, nodeName: 'node-a', log, onAnswer });
  sender.event({ type: 'Normal', reason: 'Starting', message: '', about: 'node' });
  // The double has no events.
  await until(() => told.length === 1);
  assert.deepEqual(told, ['POST 404']);
  stopped.abort();
  await ended;
});
