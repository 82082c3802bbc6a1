import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type ServiceHealthOptions, ServiceHealthServers } from '../../src/health/service-health.ts';
import { FAMILIES } from '../../src/ip.ts';
import type { HealthCheck } from '../../src/service/health-check.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { freePorts, hasIPv6, sendRequest, takePort } from '../http/client.ts';

const LOOPBACK = ['127.0.0.1'];

/** The servers, with retries only where a test shortens their delay. */
function setUp(context: TestContext, options: Partial<ServiceHealthOptions> = {}) {
  const proxy = { healthy: true };
  const { log, lines } = recordingLog();
  const told: string[] = [];
  const servers = new ServiceHealthServers({
    isProxyHealthy: () => proxy.healthy,
    log,
    onListenFailure: ({ namespace, name }, message) => told.push(`${namespace}/${name} ${message}`),
    retryDelay: 1_000_000,
    ...options,
  });
  context.after(() => servers.close());
  return { proxy, servers, lines, told };
}

function web(port: number, localEndpoints = 1, families = FAMILIES): HealthCheck {
  const counts = new Map(families.map((family) => [family, localEndpoints]));
  return { namespace: 'default', name: 'web', port, localEndpoints: counts };
}

function api(port: number, localEndpoints = 1): HealthCheck {
  return { ...web(port, localEndpoints), name: 'api' };
}

async function nameAt(port: number, host = '127.0.0.1'): Promise<string> {
  return JSON.parse((await sendRequest(port, '/', { host })).body).service.name;
}

async function isClosed(port: number, host = '127.0.0.1'): Promise<void> {
  await assert.rejects(sendRequest(port, '/', { host }), { code: 'ECONNREFUSED' });
}

suite('a health check node port', () => {
  test('answers any path as kube-proxy does', async (context) => {
    const { servers } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port, 2));
    await servers.apply(LOOPBACK);
    const { status, headers, body } = await sendRequest(port, '/any/path?a=b');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-load-balancing-endpoint-weight'], '2');
    assert.equal(
      body,
      '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
    );
  });

  test('fails without endpoints here, from the moment the count changes', async (context) => {
    const { servers } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port));
    await servers.apply(LOOPBACK);
    servers.set('default/web', web(port, 0));
    const { status, headers } = await sendRequest(port);
    assert.deepEqual([status, headers['x-load-balancing-endpoint-weight']], [503, '0']);
    servers.set('default/web', web(port, 3));
    assert.equal((await sendRequest(port)).status, 200);
  });

  test('fails while the proxy is not healthy', async (context) => {
    const { servers, proxy } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port));
    await servers.apply(LOOPBACK);
    proxy.healthy = false;
    const { status, body } = await sendRequest(port);
    const { localEndpoints, serviceProxyHealthy } = JSON.parse(body);
    assert.deepEqual([status, localEndpoints, serviceProxyHealthy], [503, 1, false]);
  });

  test('is opened by apply, and closed with its Service', async (context) => {
    const { servers } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port));
    await isClosed(port);
    await servers.apply(LOOPBACK);
    assert.equal(await nameAt(port), 'web');
    servers.set('default/web', undefined);
    await servers.apply(LOOPBACK);
    await isClosed(port);
  });

  test('can change', async (context) => {
    const { servers } = setUp(context);
    const [before = 0, after = 0] = await freePorts(2);
    for (const port of [before, after]) {
      servers.set('default/web', web(port));
      await servers.apply(LOOPBACK);
    }
    await isClosed(before);
    assert.equal(await nameAt(after), 'web');
  });

  test('can be swapped between two Services', async (context) => {
    const { servers, told } = setUp(context);
    const [one = 0, two = 0] = await freePorts(2);
    for (const [a, b] of [
      [one, two],
      [two, one],
    ] as const) {
      servers.set('default/web', web(a));
      servers.set('default/api', api(b));
      await servers.apply(LOOPBACK);
      assert.deepEqual([await nameAt(a), await nameAt(b)], ['web', 'api']);
    }
    assert.deepEqual(told, []);
  });

  test('of two Services is the first one’s, and the second’s when that is gone', async (context) => {
    const { servers, told, lines } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port));
    servers.set('default/api', api(port));
    for (let round = 0; round < 3; round++) {
      await servers.apply(LOOPBACK);
      assert.equal(await nameAt(port), 'web');
    }
    assert.deepEqual(told, [`default/api cannot listen on 127.0.0.1:${port}: Service default/web has it`]);
    servers.set('default/web', undefined);
    await servers.apply(LOOPBACK);
    assert.equal(await nameAt(port), 'api');
    assert.equal(lines.at(-1), 'I the health check of a Service listens now service="default/api"');
  });

  test('that is taken is warned of once, and opened by a later apply', async (context) => {
    const { servers, told, lines } = setUp(context);
    const { port, free } = await takePort(0, '127.0.0.1');
    servers.set('default/web', web(port));
    for (let round = 0; round < 3; round++) await servers.apply(LOOPBACK);
    const failure = `cannot listen on 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`;
    assert.deepEqual(told, [`default/web ${failure}`]);
    assert.deepEqual(lines, [`W the health check of a Service ${failure}; retrying service="default/web"`]);
    await free();
    await servers.apply(LOOPBACK);
    assert.equal(await nameAt(port), 'web');
  });

  test('that is taken is opened even if nothing changes', async (context) => {
    const { servers, lines } = setUp(context, { retryDelay: 5 });
    const { port, free } = await takePort(0, '127.0.0.1');
    servers.set('default/web', web(port));
    await servers.apply(LOOPBACK);
    await free();
    await eventually(
      () => lines.length === 2,
      () => lines.join('\n'),
    );
    assert.equal(await nameAt(port), 'web');
  });

  test('that is taken is nobody’s business once the Service is gone, and news when it comes back', async (context) => {
    const { servers, told } = setUp(context);
    const { port, free } = await takePort(0, '127.0.0.1');
    for (const check of [web(port), undefined, web(port), undefined]) {
      servers.set('default/web', check);
      await servers.apply(LOOPBACK);
    }
    assert.equal(told.length, 2);
    await free();
    await servers.apply(LOOPBACK);
    await isClosed(port);
  });
});

// Who may create Services may claim one port for all of them, and change one of them all the time.
test('ports that are taken cost a change the same, however many there are', async (context) => {
  const [port = 0, other = 0] = await freePorts(2);
  const shortest = async (rivals: number) => {
    const { servers } = setUp(context);
    for (let i = 0; i < rivals; i++) servers.set(`default/rival-${i}`, web(port));
    await servers.apply(LOOPBACK);
    let least = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 10; run++) {
      const before = performance.now();
      servers.set('default/api', run % 2 === 0 ? api(other) : undefined);
      await servers.apply(LOOPBACK);
      least = Math.min(least, performance.now() - before);
    }
    await servers.close();
    return least;
  };
  const [few, many] = [await shortest(200), await shortest(3200)];
  assert.ok(many < 5 * few, `${few} ms, then ${many} ms`);
});

test('a port that many Services want goes from one to the next as they go', async (context) => {
  const { servers } = setUp(context);
  const [port = 0] = await freePorts(1);
  const names = Array.from({ length: 200 }, (_, i) => `rival-${i}`);
  for (const name of names) servers.set(`default/${name}`, { ...web(port), name });
  await servers.apply(LOOPBACK);
  const had = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const name = await nameAt(port);
    had.add(name);
    servers.set(`default/${name}`, undefined);
    await servers.apply(LOOPBACK);
  }
  assert.equal(had.size, 5);
});

suite('health checks are answered', () => {
  test('on the addresses given, as they come and go', async (context) => {
    const { servers, told } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port));
    await servers.apply([]);
    for (const host of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) await isClosed(port, host);
    await servers.apply(['127.0.0.1', '127.0.0.2', '127.0.0.1']);
    for (const host of ['127.0.0.1', '127.0.0.2']) assert.equal(await nameAt(port, host), 'web');
    await isClosed(port, '127.0.0.3');
    await servers.apply(['127.0.0.2', '127.0.0.3']);
    await isClosed(port, '127.0.0.1');
    for (const host of ['127.0.0.2', '127.0.0.3']) assert.equal(await nameAt(port, host), 'web');
    assert.deepEqual(told, []);
  });

  test('on those that work, though one does not', async (context) => {
    const { servers, told } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port));
    // A documentation address (RFC 5737): no host has it.
    await servers.apply(['192.0.2.1', '127.0.0.1']);
    assert.equal(await nameAt(port), 'web');
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /^default\/web cannot listen on 192\.0\.2\.1:\d+: listen EADDRNOTAVAIL/);
  });

  test('everywhere, and then on one address only', { skip: !hasIPv6 }, async (context) => {
    const { servers, told } = setUp(context);
    const [port = 0] = await freePorts(1);
    servers.set('default/web', web(port));
    await servers.apply(['0.0.0.0', '::']);
    for (const host of ['127.0.0.1', '127.0.0.2', '::1']) assert.equal(await nameAt(port, host), 'web');
    await servers.apply(['::1']);
    assert.equal(await nameAt(port, '::1'), 'web');
    await isClosed(port);
    assert.deepEqual(told, []);
  });

  test('over each family by its own count, and over no other', { skip: !hasIPv6 }, async (context) => {
    const { servers, told } = setUp(context);
    const [port = 0] = await freePorts(1);
    const weight = async (host: string) =>
      (await sendRequest(port, '/', { host })).headers['x-load-balancing-endpoint-weight'];
    for (const addresses of [
      ['127.0.0.1', '::1'],
      ['0.0.0.0', '::'],
    ]) {
      servers.set('default/web', {
        ...web(port),
        localEndpoints: new Map([
          ['ip', 2],
          ['ip6', 0],
        ]),
      });
      await servers.apply(addresses);
      assert.deepEqual([await weight('127.0.0.1'), await weight('::1')], ['2', '0']);
      servers.set('default/web', web(port, 3, ['ip6']));
      await servers.apply(addresses);
      await isClosed(port);
      assert.equal(await weight('::1'), '3');
      servers.set('default/web', web(port, 4, ['ip']));
      await servers.apply(addresses);
      await isClosed(port, '::1');
      assert.equal(await weight('127.0.0.1'), '4');
    }
    assert.deepEqual(told, []);
  });

  test('as told last, however fast changes come', async (context) => {
    const { servers, told } = setUp(context);
    const ports = await freePorts(4);
    const [one = 0, two = 0, three = 0, four = 0] = ports;
    servers.set('default/web', web(one));
    void servers.apply(['127.0.0.2']);
    servers.set('default/web', web(two));
    void servers.apply(LOOPBACK);
    servers.set('default/api', api(four));
    servers.set('default/web', undefined);
    void servers.apply(['127.0.0.1', '127.0.0.2']);
    servers.set('default/web', web(three));
    await servers.apply(LOOPBACK);
    assert.deepEqual([await nameAt(three), await nameAt(four)], ['web', 'api']);
    for (const port of [one, two]) await isClosed(port);
    for (const port of ports) await isClosed(port, '127.0.0.2');
    assert.deepEqual(told, []);
  });

  test('no more after close, also what was about to open', async (context) => {
    const { servers } = setUp(context);
    const [one = 0, two = 0] = await freePorts(2);
    servers.set('default/web', web(one));
    await servers.apply(LOOPBACK);
    servers.set('default/api', api(two));
    const opening = servers.apply(LOOPBACK);
    await servers.close();
    await opening;
    for (const port of [one, two]) await isClosed(port);
    servers.set('default/api', api(one));
    await servers.apply(LOOPBACK);
    for (const port of [one, two]) await isClosed(port);
  });
});
