import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { suite, test } from 'node:test';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { MetricsServer, type MetricsServerOptions } from '../../src/metrics/metrics-server.ts';
import { VERSION } from '../../src/version.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';

const FLAGS = new Map([['v', '2']]);
const CONFIG = { mode: 'nftables', nftables: { syncPeriod: '30s' } };

/** A server on a port of 127.0.0.1, 0 for any, that has not started. */
function metricsServer(changes: Partial<MetricsServerOptions> = {}) {
  const { log, lines } = recordingLog();
  const metrics = createMetrics({ families: ['ip'], log });
  const address = { host: '127.0.0.1', port: 0 };
  const options = {
    address,
    hardFail: false,
    metrics,
    config: CONFIG,
    flags: FLAGS,
    zpages: { statusz: true, flagz: true },
    log,
    retryDelay: 10,
    ...changes,
  };
  return { server: new MetricsServer(options), lines };
}

/** Takes a port of 127.0.0.1. */
async function occupiedPort() {
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  return { occupant, port: (occupant.address() as AddressInfo).port };
}

suite('the metrics server answers', () => {
  const get = async (path: string, changes: Partial<MetricsServerOptions> = {}) => {
    const { server } = metricsServer(changes);
    await server.start();
    try {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
    } finally {
      await server.close();
    }
  };

  test('/metrics in Prometheus’ text format', async () => {
    const { status, type, body } = await get('/metrics');
    assert.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
    assert.match(body, /^kubeproxy_sync_proxy_rules_last_timestamp_seconds\{ip_family="IPv4"\} 0$/m);
  });

  test('/healthz, /proxyMode and /configz as kube-proxy does', async () => {
    const type = 'text/plain; charset=utf-8';
    assert.deepEqual(await get('/healthz'), { status: 200, type, body: 'ok' });
    assert.deepEqual(await get('/proxyMode'), { status: 200, type, body: 'nftables' });
    const { body, ...answer } = await get('/configz');
    assert.deepEqual(answer, { status: 200, type: 'application/json' });
    assert.deepEqual(JSON.parse(body), { 'kubeproxy.config.k8s.io': CONFIG });
  });

  test('/statusz and /flagz as text', async () => {
    const type = 'text/plain; charset=utf-8';
    const { body: status, ...answer } = await get('/statusz');
    assert.deepEqual(answer, { status: 200, type });
    assert.match(status, /^Started: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\nUp: 0 hr 00 min \d\d sec\n/m);
    assert.match(status, new RegExp(`^Node\\.js version: ${process.version}\nBinary version: ${VERSION}$`, 'm'));
    assert.match(status, /^Paths: \/configz \/flagz \/healthz \/metrics \/proxyMode$/m);
    const { body: flags, ...same } = await get('/flagz');
    assert.deepEqual(same, { status: 200, type });
    assert.match(flags, /^v=2$/m);
  });

  test('/statusz and /flagz not where they are switched off', async () => {
    const zpages = { statusz: true, flagz: false };
    assert.equal((await get('/flagz', { zpages })).status, 404);
    assert.match((await get('/statusz', { zpages })).body, /^Paths: \/configz \/healthz \/metrics \/proxyMode$/m);
    assert.equal((await get('/statusz', { zpages: { statusz: false, flagz: true } })).status, 404);
  });

  test('404 to all else', async () => {
    for (const path of ['/', '/debug/pprof/', '/metrics/slis', '/proxymode'])
      assert.equal((await get(path)).status, 404);
  });
});

suite('an address that is taken', () => {
  test('is tried until it is free, with one warning', async () => {
    const { occupant, port } = await occupiedPort();
    const failures: string[] = [];
    const onListenFailure = (message: string) => failures.push(message);
    const { server, lines } = metricsServer({ address: { host: '127.0.0.1', port }, onListenFailure });
    try {
      await server.start();
      assert.equal(server.port, undefined);
      occupant.close();
      await eventually(
        () => server.port === port,
        () => lines.join('\n'),
      );
      assert.deepEqual(lines, [
        `W the metrics server cannot listen on 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}; retrying`,
        `I the metrics server listens now address="127.0.0.1:${port}"`,
      ]);
      assert.deepEqual(failures, [
        `the metrics server cannot listen on 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
      ]);
    } finally {
      await server.close();
      occupant.close();
    }
  });

  test('is an error with bindAddressHardFail', async () => {
    const { occupant, port } = await occupiedPort();
    const { server, lines } = metricsServer({ address: { host: '127.0.0.1', port }, hardFail: true });
    try {
      await assert.rejects(server.start(), { code: 'E_METRICS_ADDRESS', exitCode: 41 });
      assert.deepEqual(lines, []);
    } finally {
      await server.close();
      occupant.close();
    }
  });
});
