import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { ConnectionPool } from '../../src/http/connection-pool.ts';
import { closeHttp, type ListenOptions, listenHttp } from '../../src/http/http-server.ts';
import { eventually } from '../builders/eventually.ts';
import { hasIPv6, portOf, sendRequest, takePort } from './client.ts';

const hello = () => ({ status: 200, body: 'hello' });
const pool = () => new ConnectionPool({ name: 'server of a test' });

async function serve(context: TestContext, options: Partial<ListenOptions> = {}): Promise<Server> {
  const server = await listenHttp({ host: '127.0.0.1', port: 0, respond: hello, pool: pool(), ...options });
  context.after(() => closeHttp(server));
  return server;
}

/** A client that says just this, and what it is told until the server closes. */
function client(context: TestContext, server: Server, says: string): { socket: Socket; told: Promise<string> } {
  const socket = connect(portOf(server), '127.0.0.1');
  context.after(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  // A reset is an end, too: `once` would reject with it.
  socket.on('error', () => {});
  const told = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  if (says !== '') socket.write(says);
  return { socket, told };
}

suite('a server', () => {
  test('answers a path without its query', async (context) => {
    const server = await serve(context, {
      respond: (path) =>
        path === '/metrics' ? { status: 200, headers: { 'content-type': 'a/b' }, body: 'ä' } : undefined,
    });
    const { status, headers, body } = await sendRequest(portOf(server), '/metrics?x=1');
    assert.deepEqual([status, body], [200, 'ä']);
    assert.equal(headers['content-type'], 'a/b');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers.connection, 'close');
    assert.equal((await sendRequest(portOf(server), '/metrics/')).status, 404);
  });

  test('answers HEAD without a body', async (context) => {
    const server = await serve(context);
    const { status, headers, body } = await sendRequest(portOf(server), '/', { method: 'HEAD' });
    assert.deepEqual([status, headers['content-length'], body], [200, '5', '']);
  });

  test('tells what went wrong with an answer, at once or later', async (context) => {
    const server = await serve(context, {
      respond: (path) => {
        if (path === '/later') return Promise.reject(new Error('later'));
        throw new Error('at once');
      },
    });
    for (const path of ['/later', '/']) {
      const { status, body } = await sendRequest(portOf(server), path);
      assert.deepEqual([status, body], [500, path === '/' ? 'at once\n' : 'later\n']);
    }
  });

  test('refuses what is not GET or HEAD, and does not wait for its body', async (context) => {
    const server = await serve(context);
    const { told } = client(context, server, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nstart');
    assert.match(await told, /^HTTP\/1\.1 405 .*Allow: GET, HEAD/s);
  });

  test('answers one request a connection', async (context) => {
    const server = await serve(context);
    const { told } = client(context, server, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n'.repeat(3));
    assert.equal((await told).match(/^HTTP/gm)?.length, 1);
  });

  for (const host of ['', '0.0.0.0', '::']) {
    test(`on "${host}" is there for both families`, { skip: !hasIPv6 }, async (context) => {
      const server = await serve(context, { host });
      for (const own of ['127.0.0.1', '::1'])
        assert.equal((await sendRequest(portOf(server), '/', { host: own })).status, 200);
    });
  }

  test('on one address is there for no other', async (context) => {
    const server = await serve(context, { host: '127.0.0.2' });
    assert.equal((await sendRequest(portOf(server), '/', { host: '127.0.0.2' })).status, 200);
    await assert.rejects(sendRequest(portOf(server)), { code: 'ECONNREFUSED' });
  });

  test('cannot have a port that is taken', async (context) => {
    const { port, free } = await takePort();
    context.after(free);
    await assert.rejects(listenHttp({ host: '0.0.0.0', port, respond: hello, pool: pool() }), { code: 'EADDRINUSE' });
  });

  test('gives its port back when it is closed, though clients are connected', async () => {
    const server = await listenHttp({ host: '127.0.0.1', port: 0, respond: () => new Promise(() => {}), pool: pool() });
    const port = portOf(server);
    const waiting = sendRequest(port);
    const lost = assert.rejects(waiting, { code: 'ECONNRESET' });
    await once(server, 'request');
    await closeHttp(server);
    await lost;
    await closeHttp(await listenHttp({ host: '127.0.0.1', port, respond: hello, pool: pool() }));
  });
});

suite('a client that', () => {
  const limits = { requestMs: 50, checkMs: 10 };

  for (const [title, says] of [
    ['says nothing', ''],
    ['stops in the middle of a header', 'GET / HTTP/1.1\r\nHost: a\r\nX-'],
  ] as const) {
    test(`${title} is cut off`, async (context) => {
      const server = await serve(context, { limits });
      assert.doesNotMatch(await client(context, server, says).told, /hello/);
    });
  }

  test('sends a header that never ends is cut off', async (context) => {
    const server = await serve(context);
    const { socket, told } = client(context, server, 'GET / HTTP/1.1\r\n');
    const more = setInterval(() => socket.write(`X-A: ${'a'.repeat(1000)}\r\n`), 1);
    context.after(() => clearInterval(more));
    assert.match(await told, /^(HTTP\/1\.1 431 |$)/);
  });

  test('waits for an answer that never comes is cut off', async (context) => {
    const server = await serve(context, { limits: { answerMs: 50 }, respond: () => new Promise(() => {}) });
    assert.equal(await client(context, server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n').told, '');
  });

  test('does not take its answer is cut off', async (context) => {
    const body = 'x'.repeat(64 * 2 ** 20);
    const server = await serve(context, { limits: { answerMs: 50 }, respond: () => ({ status: 200, body }) });
    const socket = connect({ port: portOf(server), host: '127.0.0.1' });
    context.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.pause().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [incoming] = await once(server, 'request');
    await eventually(
      () => incoming.socket.destroyed,
      () => 'its connection is open',
    );
  });
});
