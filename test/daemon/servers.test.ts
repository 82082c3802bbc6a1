import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { startServers } from '../../src/daemon/servers.ts';
import { ProxyHealth } from '../../src/health/proxy-health.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { loadConnection } from '../../src/source/api/connection.ts';
import { EventSender } from '../../src/source/api/events.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { makeCertificates } from '../doubles/api-server-certificates.ts';
import { EventServer } from '../doubles/event-server.ts';

/** A port of 127.0.0.1 that is taken for as long as the test takes. */
async function takenPort(context: TestContext): Promise<number> {
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  context.after(() => occupant.close());
  return (occupant.address() as AddressInfo).port;
}

/** Starts the servers with these flags, and an API server that takes events. */
async function start(context: TestContext, ...flags: readonly string[]) {
  const server = new EventServer(makeCertificates());
  await server.start();
  const folder = mkdtempSync(join(tmpdir(), 'kpn-servers-'));
  const kubeconfig = join(folder, 'kubeconfig');
  server.kubeconfig(kubeconfig);
  const connection = loadConnection({ kubeconfig, environment: {} });
  context.after(async () => {
    connection.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  const { log } = recordingLog();
  const metrics = createMetrics({ families: ['ip'], log });
  const health = new ProxyHealth({ isNodeEligible: () => true, syncPeriod: 1000 });
  const events = new EventSender({ connection, nodeName: 'node-a', log });
  const started = startServers(parseArguments(flags), { health, metrics, events, log });
  return { started, server };
}

suite('with --bind-address-hard-fail, an address that is taken ends the start', () => {
  for (const [what, flag, other, code, reason] of [
    ['metrics', 'metrics-bind-address', 'healthz-port=0', 'E_METRICS_ADDRESS', 'FailedToStartMetricServer'],
    ['healthz', 'healthz-bind-address', 'metrics-port=0', 'E_HEALTHZ_ADDRESS', 'FailedToStartProxierHealthcheck'],
  ] as const) {
    test(`${what}: not before the API server has the event that says why`, async (context) => {
      const port = await takenPort(context);
      const flags = ['--bind-address-hard-fail', `--${flag}=127.0.0.1:${port}`, `--${other}`];
      const { started, server } = await start(context, ...flags);
      await assert.rejects(started, { code });
      assert.deepEqual(
        server.posted.map((event) => [event.type, event.reason, event.action, event.involvedObject.kind]),
        [['Warning', reason, 'StartKubeProxy', 'Node']],
      );
    });
  }

  test('an API server that does not answer delays it by a second only', async (context) => {
    const port = await takenPort(context);
    const { started, server } = await start(
      context,
      '--bind-address-hard-fail',
      `--metrics-bind-address=127.0.0.1:${port}`,
      '--healthz-port=0',
    );
    server.ready = new Promise(() => undefined);
    await assert.rejects(started, { code: 'E_METRICS_ADDRESS' });
    assert.deepEqual(server.posted, []);
  });
});
