import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ProxyHealth } from '../../src/health/proxy-health.ts';
import { ProxyHealthServer, type ProxyHealthServerOptions } from '../../src/health/proxy-health-server.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { sendRequest, takePort } from '../http/client.ts';

const START = Date.parse('2026-01-01T00:00:00.120Z');

function setUp(context: TestContext, options: Partial<ProxyHealthServerOptions> = {}) {
  const clock = { now: 0 };
  const node = { eligible: true };
  const health = new ProxyHealth({
    isNodeEligible: () => node.eligible,
    now: () => clock.now,
    date: () => START + clock.now,
  });
  const { log, lines } = recordingLog();
  const told: string[] = [];
  const server = new ProxyHealthServer({
    address: { host: '127.0.0.1', port: 0 },
    hardFail: false,
    health,
    log,
    onAnswer: (probe, status) => told.push(`${probe} ${status}`),
    onListenFailure: (message) => told.push(message),
    retryDelay: 5,
    ...options,
  });
  context.after(() => server.close());
  return { clock, node, health, server, lines, told };
}

suite('the health server', () => {
  test('says before the start that all is well', async (context) => {
    const { server } = setUp(context);
    await server.start();
    const { status, headers, body } = await sendRequest(server.port, '/healthz');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(
      body,
      '{"lastUpdated":"2026-01-01T00:00:00.12Z","currentTime":"2026-01-01T00:00:00.12Z","nodeEligible":true,' +
        '"healthy":true,"status":{}}',
    );
  });

  test('is well with rules from a saved state, and says of when that is', async (context) => {
    const { server, health } = setUp(context);
    await server.start();
    health.staleSince = Date.parse('2025-12-31T23:00:00.5Z');
    for (const path of ['/healthz', '/livez']) {
      const { status, body } = await sendRequest(server.port, path);
      assert.equal(status, 200);
      assert.match(body, /"healthy":true,"staleSince":"2025-12-31T23:00:00.5Z","status"/);
    }
    health.staleSince = undefined;
    assert.doesNotMatch((await sendRequest(server.port, '/healthz')).body, /staleSince/);
  });

  test('says when each family was updated, and "now" for both together while all is well', async (context) => {
    const { server, health, clock } = setUp(context);
    await server.start();
    health.started('ip');
    clock.now = 880;
    health.started('ip6');
    health.queued('ip');
    clock.now = 1881;
    const { status, body } = await sendRequest(server.port, '/livez?verbose');
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), {
      lastUpdated: '2026-01-01T00:00:02.001Z',
      currentTime: '2026-01-01T00:00:02.001Z',
      healthy: true,
      status: {
        IPv4: { lastUpdated: '2026-01-01T00:00:00.12Z', healthy: true },
        IPv6: { lastUpdated: '2026-01-01T00:00:01Z', healthy: true },
      },
    });
  });

  test('fails /healthz while changes wait, /livez too where a restart could help, and says since when nothing was updated', async (context) => {
    const { server, health, clock, told } = setUp(context);
    await server.start();
    health.started('ip');
    health.queued('ip');
    clock.now = 60_000;
    const answers = async (statuses: Readonly<Record<string, number>>) => {
      for (const [probe, expected] of Object.entries(statuses)) {
        const { status, body } = await sendRequest(server.port, `/${probe}`);
        const { lastUpdated, healthy } = JSON.parse(body);
        assert.deepEqual([status, healthy, lastUpdated], [expected, false, '2026-01-01T00:00:00.12Z']);
      }
    };
    await answers({ healthz: 503, livez: 200 });
    health.failed('ip', true);
    await answers({ healthz: 503, livez: 503 });
    health.synced('ip');
    assert.equal((await sendRequest(server.port, '/healthz')).status, 200);
    assert.deepEqual(told, ['healthz 503', 'livez 200', 'healthz 503', 'livez 503', 'healthz 200']);
  });

  test('of a node that is going away fails /healthz, not /livez, and calls the proxy healthy', async (context) => {
    const { server, health, node } = setUp(context);
    await server.start();
    node.eligible = false;
    const { status, body } = await sendRequest(server.port, '/healthz');
    const { nodeEligible, healthy, lastUpdated } = JSON.parse(body);
    assert.deepEqual([status, nodeEligible, healthy, lastUpdated], [503, false, true, '0001-01-01T00:00:00Z']);
    health.started('ip');
    assert.equal(JSON.parse((await sendRequest(server.port, '/healthz')).body).lastUpdated, '2026-01-01T00:00:00.12Z');
    assert.equal((await sendRequest(server.port, '/livez')).status, 200);
  });

  test('knows no other path, and does not count those', async (context) => {
    const { server, told } = setUp(context);
    await server.start();
    for (const path of ['/', '/healthz/', '/metrics']) assert.equal((await sendRequest(server.port, path)).status, 404);
    assert.deepEqual(told, []);
  });
});

suite('an address that is taken', () => {
  test('is warned of once, however often it is tried', async (context) => {
    const { port, free } = await takePort(0, '127.0.0.1');
    context.after(free);
    const address = { host: '127.0.0.1', port };
    const { server, lines, told } = setUp(context, { address, retryDelay: 1_000_000 });
    for (let attempt = 0; attempt < 3; attempt++) await server.start();
    assert.equal(server.port, undefined);
    const place = `127.0.0.1:${port}`;
    const message = `the health server cannot listen on ${place}: listen EADDRINUSE: address already in use ${place}`;
    assert.deepEqual(told, [message]);
    assert.deepEqual(lines, [`W ${message}; retrying`]);
  });

  test('is taken when it is free', async (context) => {
    const { port, free } = await takePort(0, '127.0.0.1');
    const { server, lines } = setUp(context, { address: { host: '127.0.0.1', port } });
    await server.start();
    assert.equal(server.port, undefined);
    await free();
    await eventually(
      () => server.port === port,
      () => 'it does not listen',
    );
    assert.equal((await sendRequest(port, '/livez')).status, 200);
    assert.equal(lines.at(-1), `I the health server listens now address="127.0.0.1:${port}"`);
  });

  test('ends the start with bindAddressHardFail', async (context) => {
    const { port, free } = await takePort(0, '127.0.0.1');
    context.after(free);
    const { server, told } = setUp(context, { address: { host: '127.0.0.1', port }, hardFail: true });
    await assert.rejects(server.start(), {
      code: 'E_HEALTHZ_ADDRESS',
      exitCode: 40,
      message: /EADDRINUSE.*healthzBind/,
    });
    assert.equal(told.length, 1);
  });

  test('is not tried again after close', async (context) => {
    const { port, free } = await takePort(0, '127.0.0.1');
    const { server } = setUp(context, { address: { host: '127.0.0.1', port } });
    await server.start();
    await free();
    const starting = server.start();
    await server.close();
    await starting;
    const again = await takePort(port, '127.0.0.1');
    await again.free();
  });
});
