import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { MetricsServer } from '../../src/metrics/metrics-server.ts';
import { ChangeLog } from '../../src/page/change-log.ts';
import { ConnectionRates } from '../../src/page/connection-rates.ts';
import { Page, type PageOptions } from '../../src/page/page.ts';
import { pageServer } from '../../src/page/page-server.ts';
import type { PageState, PageTrace } from '../../src/page/shapes.ts';
import { StepRing } from '../../src/page/step-ring.ts';
import { manyObjects } from '../builders/many-objects.ts';
import { modelFor } from '../builders/models.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { sendRaw } from './requests.ts';

const FILE = { compressed: gzipSync('<!doctype html>'), policy: "default-src 'none'; script-src 'sha256-x'" };
const LOCAL = 'Host: localhost:10249';
const SAME = ['Origin: http://localhost:10249', 'Content-Type: application/json'];
const ANSWER: PageTrace = { connections: [], left: 0 };

function pageWith(options: Partial<PageOptions> = {}): Page {
  const { cluster, model, shortfalls, drain } = modelFor([service(), slice([ready('10.32.0.1')])]);
  drain();
  const ring = new StepRing();
  return new Page({
    listed: () => ({ cluster, models: [model], shortfalls }),
    state: () => ({ node: NODE_NAME, inSync: true }) as PageState,
    changes: new ChangeLog({ ring }),
    ring,
    rates: new ConnectionRates({ read: async () => ({ readAt: 0, counted: false, why: 'not now', ports: [] }), ring }),
    trace: async () => ANSWER,
    file: () => FILE,
    ...options,
  });
}

/** A metrics server with the page. `send` takes a whole request line. */
async function served(context: TestContext, options: Partial<PageOptions> = {}) {
  const { log } = recordingLog();
  const page = pageWith(options);
  const server = new MetricsServer({
    address: { host: '127.0.0.1', port: 0 },
    hardFail: true,
    metrics: createMetrics({ families: ['ip'], log }),
    config: {},
    flags: new Map(),
    zpages: { statusz: true, flagz: true },
    page: (incoming) => page.answer(incoming, { is: 'loopback' }),
    log,
  });
  await server.start();
  context.after(() => server.close());
  const send = (line: string, headers: readonly string[] = [LOCAL], body = '') =>
    sendRaw({ port: server.port, line: `${line} HTTP/1.1`, headers, body });
  const trace = (body: string, headers: readonly string[] = SAME) =>
    send('POST /page/trace', [LOCAL, ...headers, `Content-Length: ${Buffer.byteLength(body)}`], body);
  return { send, trace, port: server.port };
}

suite('the page', () => {
  test('comes with headers that let it load nothing else, and nobody else load it', async (context) => {
    const { send } = await served(context);
    const { status, headers, body } = await send('GET /page');
    assert.deepEqual([status, body], [200, '<!doctype html>']);
    assert.deepEqual(
      [
        'content-type',
        'content-security-policy',
        'x-content-type-options',
        'referrer-policy',
        'cross-origin-opener-policy',
        'cross-origin-resource-policy',
        'cross-origin-embedder-policy',
        'cache-control',
      ].map((name) => headers.get(name)),
      [
        'text/html; charset=utf-8',
        FILE.policy,
        'nosniff',
        'no-referrer',
        'same-origin',
        'same-origin',
        'require-corp',
        'no-store',
      ],
    );
  });

  test('is compressed for who can take it', async (context) => {
    const { port } = await served(context);
    const response = await fetch(`http://127.0.0.1:${port}/page`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.equal(await response.text(), '<!doctype html>');
  });

  test('has its data as JSON, with the same headers', async (context) => {
    const { send } = await served(context);
    const { status, headers, body } = await send('GET /page/state');
    assert.equal(status, 200);
    assert.equal(headers.get('content-type'), 'application/json');
    assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
    assert.deepEqual(JSON.parse(body), { node: NODE_NAME, inSync: true });
    const { lines } = JSON.parse((await send('GET /page/services?from=0')).body);
    assert.deepEqual(lines, [['default', 'web', 'ClusterIP', '10.96.0.10', '80/tcp', 1, -1, 4, 'served', 1]]);
    const { frontends } = JSON.parse((await send('GET /page/service?namespace=default&name=web')).body);
    assert.deepEqual(frontends[0].endpoints, ['10.32.0.1:8080']);
    assert.equal(JSON.parse((await send('GET /page/history')).body).mean.length, 360);
    assert.deepEqual(JSON.parse((await send('GET /page/rates')).body).why, 'not now');
    assert.equal((await send('GET /page/secrets')).status, 404);
  });

  test('leaves most of the time to others, however many lists are requested', async (context) => {
    const pauses: number[] = [];
    const { cluster, model, shortfalls } = modelFor(manyObjects(2000));
    const listed = () => ({ cluster, models: [model], shortfalls });
    const pause = async (milliseconds: number) => pauses.push(milliseconds);
    const { send } = await served(context, { listed, pause });
    const began = process.threadCpuUsage();
    await Promise.all(Array.from({ length: 20 }, () => send('GET /page/services')));
    const { user, system } = process.threadCpuUsage(began);
    const rested = pauses.reduce((sum, one) => sum + one, 0);
    // All that the thread did, of which the lists were a part.
    assert.ok(rested > 0 && rested <= (3 * (user + system)) / 1000, `${rested} ms`);
  });

  test('lists from the beginning where a request has no valid number', async (context) => {
    const { send } = await served(context);
    for (const from of ['-1', 'x', '1e99', '0x', '1.5']) {
      assert.equal(JSON.parse((await send(`GET /page/services?from=${from}`)).body).lines.length, 1, from);
    }
  });

  test('is not there in a program that runs from source, which says so', async (context) => {
    const { send } = await served(context, { file: () => undefined });
    const { status, body } = await send('GET /page');
    assert.equal(status, 503);
    assert.match(body, /npm run build/);
  });

  test('takes GET and HEAD only, and a trace POST only', async (context) => {
    const { send } = await served(context);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
      assert.equal((await send(`${method} /page/state`)).status, 405, method);
      assert.equal((await send(`${method} /page`)).status, 405, method);
    }
    assert.deepEqual([(await send('HEAD /page')).status, (await send('HEAD /page')).body], [200, '']);
    assert.equal((await send('GET /page/trace', [LOCAL, ...SAME])).status, 405);
  });
});

suite('a request for the page is refused', () => {
  const refused: readonly (readonly [title: string, line: string, headers: readonly string[], status: number])[] = [
    ['with a Host that was made to lead here', 'GET /page HTTP/1.1', ['Host: evil.example:10249'], 403],
    ['with two Hosts', 'GET /page HTTP/1.1', ['Host: localhost', 'Host: evil.example'], 403],
    ['without a Host', 'GET /page/state HTTP/1.1', [], 400],
    ['of HTTP/1.0 without a Host', 'GET /page/state HTTP/1.0', [], 403],
    ['with its address as an absolute URI', 'GET http://localhost:10249/page HTTP/1.1', [LOCAL], 404],
    ['with somebody’s address as an absolute URI', 'GET http://evil.example/page HTTP/1.1', [LOCAL], 404],
    ['by another site’s script', 'GET /page/state HTTP/1.1', [LOCAL, 'Sec-Fetch-Site: cross-site'], 403],
    ['with a long header', 'GET /page HTTP/1.1', [LOCAL, `X: ${'x'.repeat(9000)}`], 431],
  ];
  for (const [title, line, headers, status] of refused) {
    test(title, async (context) => {
      const { port } = await served(context);
      const answer = await sendRaw({ port, line, headers });
      assert.equal(answer.status, status);
      assert.doesNotMatch(answer.body, /doctype|node-a/);
    });
  }

  test('and /metrics answers to any Host, as before', async (context) => {
    const { send } = await served(context);
    const { status, headers, body } = await send('GET /metrics', [
      'Host: prometheus.example',
      'Sec-Fetch-Site: cross-site',
    ]);
    assert.equal(status, 200);
    assert.match(body, /^kubeproxy_/m);
    assert.equal(headers.get('cross-origin-resource-policy'), undefined);
    assert.equal((await send('GET /healthz', ['Host: a'])).body, 'ok');
    assert.equal((await send('GET /', ['Host: localhost'])).status, 404);
    assert.equal((await send('POST /metrics', ['Host: a', 'Content-Length: 0'])).status, 405);
  });
});

suite('a trace for the page', () => {
  test('is requested by the page itself, as JSON', async (context) => {
    const traced: unknown[] = [];
    const { trace } = await served(context, {
      trace: async (request) => {
        traced.push(request);
        return ANSWER;
      },
    });
    const { status, body } = await trace('{"to":"default/web","from":""}');
    assert.deepEqual([status, JSON.parse(body)], [200, ANSWER]);
    assert.deepEqual(traced, [{ to: 'default/web', from: undefined }]);
  });

  test('is refused to others, and to what is no request', async (context) => {
    const traced: unknown[] = [];
    const { trace } = await served(context, {
      trace: async (request) => {
        traced.push(request);
        return ANSWER;
      },
    });
    const json = 'Content-Type: application/json';
    for (const [headers, body, status] of [
      [[json], '{"to":"a/b"}', 403],
      [[json, 'Origin: http://evil.example'], '{"to":"a/b"}', 403],
      [[...SAME, 'Sec-Fetch-Site: cross-site'], '{"to":"a/b"}', 403],
      [['Origin: http://localhost:10249', 'Content-Type: text/plain'], '{"to":"a/b"}', 415],
      [SAME, '', 400],
      [SAME, 'null', 400],
      [SAME, '[]', 400],
      [SAME, '{"to":1}', 400],
      [SAME, '{"to":"a/b","from":{}}', 400],
      [SAME, `{"to":"${'x'.repeat(5000)}"}`, 413],
    ] as const) {
      assert.equal((await trace(body, headers)).status, status, `${headers.join()} ${body.slice(0, 30)}`);
    }
    assert.deepEqual(traced, []);
  });

  test('is not read further than it may be long, whatever its length is said to be', async (context) => {
    const { send } = await served(context);
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    const headers = [LOCAL, ...SAME, 'Transfer-Encoding: chunked'];
    assert.equal((await send('POST /page/trace', headers, chunk.repeat(3))).status, 413);
    assert.equal((await send('POST /page/trace', [LOCAL, ...SAME, 'Content-Length: 999999999'], '{')).status, 413);
  });

  test('whose body does not come ends by itself', async (context) => {
    const { log } = recordingLog();
    const page = pageWith();
    const server = pageServer({
      address: { host: '127.0.0.1', port: 0 },
      page,
      nodeName: 'n',
      log,
      limits: { requestMs: 300, checkMs: 50 },
    });
    await server.start();
    context.after(() => server.close());
    const socket = connect(server.port ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST /page/trace HTTP/1.1\r\n${LOCAL}\r\n${SAME.join('\r\n')}\r\nContent-Length: 10\r\n\r\n{`);
    let told = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    await once(socket, 'close');
    assert.doesNotMatch(told, /^HTTP\/1\.1 200/);
  });

  test('comes one at a time', async (context) => {
    const { promise, resolve } = Promise.withResolvers<PageTrace>();
    const { trace } = await served(context, { trace: () => promise });
    const both = [trace('{"to":"default/web"}'), trace('{"to":"default/web"}')];
    assert.equal((await Promise.race(both)).status, 429);
    resolve(ANSWER);
    assert.deepEqual((await Promise.all(both)).map(({ status }) => status).sort(), [200, 429]);
    let next = await trace('{"to":"default/web"}');
    assert.equal(next.status, 429, 'nor right after another');
    while (next.status === 429) next = await trace('{"to":"default/web"}');
    assert.equal(next.status, 200);
  });
});

suite('--page-address', () => {
  test('has the page, also at its root, and nothing of the metrics', async (context) => {
    const { log } = recordingLog();
    const server = pageServer({ address: { host: '127.0.0.1', port: 0 }, page: pageWith(), nodeName: 'node-1', log });
    await server.start();
    context.after(() => server.close());
    const send = (path: string, host: string) =>
      sendRaw({ port: server.port, line: `GET ${path} HTTP/1.1`, headers: [`Host: ${host}`, 'Accept-Encoding: gzip'] });
    for (const path of ['/', '/page']) assert.equal((await send(path, 'node-1:10247')).status, 200);
    assert.equal((await send('/page/state', '192.0.2.7:10247')).status, 200);
    assert.equal((await send('/page/state', 'evil.example')).status, 403);
    for (const path of ['/metrics', '/configz', '/flagz', '/healthz'])
      assert.equal((await send(path, 'node-1')).status, 404);
  });
});
