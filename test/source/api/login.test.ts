import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { startApiServer } from '../../doubles/api-server.ts';
import { makeCertificates } from '../../doubles/api-server-certificates.ts';
import { complaints, run, until, withServer, withSource } from './harness.ts';
import { service } from './objects.ts';

describe('how the source proves who it is', () => {
  test('by a token, checking the server by the kubeconfig alone', async (t) => {
    const { view, api } = await withSource(t, { login: 'token' });
    await until(() => view.isSynced);
    assert.equal(api.requests[0]?.token, 'secret-token');
  });

  test('by a client certificate', async (t) => {
    const { view, api } = await withSource(t, { login: 'certificate' });
    await until(() => view.isSynced);
    assert.equal(api.requests[0]?.client, 'system:kube-proxy');
    assert.equal(api.requests[0]?.token, undefined);
  });

  test('by an exec plugin', async (t) => {
    const { api, directory } = await withServer(t);
    const plugin = join(directory, 'plugin');
    writeFileSync(plugin, `#!/bin/sh\necho '{"status":{"token":"secret-token"}}'\n`);
    chmodSync(plugin, 0o755);
    const kubeconfig = join(directory, 'kubeconfig');
    api.kubeconfig(kubeconfig, { exec: plugin });
    const { view, stop } = run(loadConnection({ kubeconfig, environment: {} }));
    await until(() => view.isSynced);
    await stop();
  });

  test('as a pod, by its service account', async (t) => {
    const { api, directory } = await withServer(t);
    writeFileSync(join(directory, 'token'), 'secret-token');
    writeFileSync(join(directory, 'ca.crt'), api.certificates.ca);
    const { hostname, port } = new URL(api.url);
    const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const { view, log, stop } = run(loadConnection({ environment, serviceAccountDirectory: directory }));
    await until(() => view.isSynced);
    await stop();
    assert.match(complaints(log).join('\n'), /is the ClusterIP of its Service/);
  });
});

describe('credentials rotated under a running source', () => {
  test('a token file: the new token is used without a restart', async (t) => {
    const { api, directory } = await withServer(t);
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, 'secret-token\n');
    const kubeconfig = join(directory, 'kubeconfig');
    api.kubeconfig(kubeconfig, { tokenFile });
    const { view, log, stop } = run(loadConnection({ kubeconfig, environment: {} }));
    await until(() => view.isSynced && api.watches('Service') === 1);
    api.tokens.clear();
    api.tokens.add('another-one');
    api.end('Service', 'reset');
    await until(() => complaints(log).some((line) => line.startsWith('E_API_REFUSED')));
    writeFileSync(`${tokenFile}.new`, 'another-one\n');
    renameSync(`${tokenFile}.new`, tokenFile);
    api.put(service('x', 80, {}, '10.96.0.1'));
    await until(() => view.keys('Service').length === 1);
    assert.equal(api.requests.at(-1)?.token, 'another-one');
    await stop();
  });

  test('an exec plugin that has another token to give when the first is refused', async (t) => {
    const { api, directory } = await withServer(t);
    const [plugin, token] = [join(directory, 'plugin'), join(directory, 'token')];
    writeFileSync(token, 'secret-token');
    writeFileSync(plugin, `#!/bin/sh\necho "{\\"status\\":{\\"token\\":\\"$(cat ${token})\\"}}"\n`);
    chmodSync(plugin, 0o755);
    const kubeconfig = join(directory, 'kubeconfig');
    api.kubeconfig(kubeconfig, { exec: plugin });
    const { view, stop } = run(loadConnection({ kubeconfig, environment: {} }));
    t.after(stop);
    await until(() => view.isSynced && api.watches('Service') === 1);
    api.tokens.clear();
    api.tokens.add('another-one');
    writeFileSync(token, 'another-one');
    api.end('Service', 'reset');
    await until(() => api.watches('Service') === 0);
    api.put(service('x', 80, {}, '10.96.0.1'));
    await until(() => view.keys('Service').length === 1);
    await stop();
  });

  test('another authority, server certificate and client certificate, in files', async (t) => {
    const { api: old, directory } = await withServer(t);
    const files = {
      ca: join(directory, 'ca.crt'),
      cert: join(directory, 'client.crt'),
      key: join(directory, 'client.key'),
    };
    const write = ({ ca, client }: typeof old.certificates) => {
      writeFileSync(files.ca, ca);
      writeFileSync(files.cert, client.cert);
      writeFileSync(files.key, client.key);
    };
    write(old.certificates);
    const kubeconfig = join(directory, 'kubeconfig');
    const port = Number(new URL(old.url).port);
    const config = {
      clusters: [{ name: 'c', cluster: { server: old.url, 'certificate-authority': files.ca } }],
      users: [{ name: 'u', user: { 'client-certificate': files.cert, 'client-key': files.key } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const { view, log, stop } = run(loadConnection({ kubeconfig, environment: {} }));
    t.after(stop);
    await until(() => view.isSynced);
    assert.equal(old.requests[0]?.client, 'system:kube-proxy');
    await old.stop();
    const fresh = await startApiServer(makeCertificates(), port);
    t.after(() => fresh.stop());
    await until(() =>
      complaints(log).some((line) =>
        /E_API_UNREACHABLE.*certificate.*check the certificates named by kubeconfig/.test(line),
      ),
    );
    write(fresh.certificates);
    fresh.store.compact();
    fresh.put(service('x', 80, {}, '10.96.0.1'));
    await until(() => view.keys('Service').length === 1);
    assert.equal(fresh.requests.at(-1)?.client, 'system:kube-proxy');
    // Ended here: the new server would otherwise wait for its connections.
    await stop();
  });

  test('a kubeconfig that names another server', async (t) => {
    const { api, kubeconfig, view } = await withSource(t);
    await until(() => view.isSynced);
    const { api: next } = await withServer(t);
    next.put(service('x', 80, {}, '10.96.0.1'));
    next.kubeconfig(`${kubeconfig}.new`);
    renameSync(`${kubeconfig}.new`, kubeconfig);
    for (const kind of ['Service', 'EndpointSlice', 'Node'] as const) {
      await until(() => api.watches(kind) === 1);
      api.end(kind, 'reset');
    }
    next.store.compact();
    await until(() => view.keys('Service').length === 1);
  });
});

test('a server whose certificate is not trusted: said, with what to check', async (t) => {
  const { api, directory } = await withServer(t);
  const kubeconfig = join(directory, 'kubeconfig');
  const stranger = Buffer.from(makeCertificates().ca).toString('base64');
  api.kubeconfig(kubeconfig, 'token', { 'certificate-authority-data': stranger });
  // Somebody's NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the check off (Node reads it at each connection).
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  const { log, view, stop } = run(loadConnection({ kubeconfig, environment: {} }));
  await until(() => complaints(log).length > 0);
  await stop();
  assert.match(complaints(log)[0] ?? '', /^E_API_UNREACHABLE: .*check the certificates named by kubeconfig/);
  assert.ok(!view.isSynced);
});

test('insecure-skip-tls-verify connects, and warns', async (t) => {
  const { api, directory } = await withServer(t);
  const kubeconfig = join(directory, 'kubeconfig');
  const cluster = { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true };
  api.kubeconfig(kubeconfig, 'token', cluster);
  const { log, view, stop } = run(loadConnection({ kubeconfig, environment: {} }));
  await until(() => view.isSynced);
  await stop();
  assert.match(complaints(log)[0] ?? '', /insecure-skip-tls-verify/);
});

test('through the proxy of proxy-url', async (t) => {
  const { api, directory } = await withServer(t);
  const through: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket, head) => {
    through.push(request.url ?? '');
    const { hostname, port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    for (const [end, other] of [
      [upstream, socket],
      [socket, upstream],
    ] as const) {
      end.on('error', () => other.destroy());
      end.on('close', () => other.destroy());
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const kubeconfig = join(directory, 'kubeconfig');
  const address = proxy.address();
  assert.ok(typeof address === 'object' && address !== null);
  api.kubeconfig(kubeconfig, 'token', { 'proxy-url': `http://127.0.0.1:${address.port}` });
  const { view, stop } = run(loadConnection({ kubeconfig, environment: {} }));
  await until(() => view.isSynced && api.watches('Service') === 1);
  await stop();
  assert.ok(through.length > 0);
  assert.ok(through.every((url) => `https://${url}` === api.url));
});

test('a server that accepts connections and says nothing, not even TLS: given up in time', async (t) => {
  const { api, directory } = await withServer(t);
  const deaf = createTcpServer().listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  const address = deaf.address();
  assert.ok(typeof address === 'object' && address !== null);
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig, 'token', { server: `https://127.0.0.1:${address.port}` });
  const { log, stop } = run(loadConnection({ kubeconfig, environment: {} }), { connectMs: 50 });
  await until(() => complaints(log).length > 0);
  await stop();
  deaf.close();
  assert.match(complaints(log)[0] ?? '', /^E_API_UNREACHABLE: .*no connection within 0\.05 s/);
});

test('a server whose packets vanish: given up sooner than one that takes its time for TLS', async (t) => {
  const { api, directory } = await withServer(t);
  // Once the queue of a program that does not accept is full, the kernel drops the SYN of another connection.
  const program = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    () => { console.log(server.address().port); process.kill(process.pid, 'SIGSTOP'); });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [text] = await once(child.stdout, 'data');
  const port = Number(String(text));
  const queue = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => {
    for (const socket of queue) socket.destroy();
  });
  await until(() => queue.some(({ connecting }) => !connecting));
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig, 'token', { server: `https://127.0.0.1:${port}` });
  const settings = { reachMs: 50, connectMs: 1_000_000 };
  const { log, stop } = run(loadConnection({ kubeconfig, environment: {} }), settings);
  t.after(() => stop());
  await until(() => complaints(log).length > 0);
  assert.match(complaints(log)[0] ?? '', /^E_API_UNREACHABLE: .*no connection within 0\.05 s/);
});

describe('a stop', () => {
  // In a process of its own, which says what is left, and which has to end by itself.
  const program = (kubeconfig: string, after: string) => `
    import { createApiSource } from './src/source/api/api-source.ts';
    import { loadConnection } from './src/source/api/connection.ts';
    const connection = loadConnection({ kubeconfig: ${JSON.stringify(kubeconfig)}, environment: {} });
    const log = { info() {}, warn() {}, error() {}, detail() {} };
    const stop = new AbortController();
    const listener = { changed() {}, deleted() {}, synced() { if (${JSON.stringify(after)} === 'synced') stop.abort(); } };
    if (${JSON.stringify(after)} !== 'synced') setTimeout(() => stop.abort(), 300);
    await createApiSource({ connection, nodeName: 'node-a', log }).run(listener, stop.signal);
    // Sockets that were destroyed are closed a moment later.
    await new Promise((resolve) => setTimeout(resolve, 200));
    console.log(process.getActiveResourcesInfo().filter((name) => !/PipeWrap|TTY/.test(name)).join() || 'nothing left');
  `;
  const runProgram = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const args = ['--input-type=module-typescript', '-e', text];
      execFile(process.execPath, args, { timeout: 20_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stderr}`)),
      );
    });

  test('does not wait for an exec plugin that hangs, and takes along what it started', {
    timeout: 20_000,
  }, async (t) => {
    const { api, directory } = await withServer(t);
    const [plugin, pidFile] = [join(directory, 'plugin'), join(directory, 'pid')];
    writeFileSync(plugin, `#!/bin/sh\nsleep 300 &\necho $! >${pidFile}.new; mv ${pidFile}.new ${pidFile}; wait\n`);
    chmodSync(plugin, 0o755);
    const kubeconfig = join(directory, 'kubeconfig');
    api.kubeconfig(kubeconfig, { exec: plugin });
    const { stop } = run(loadConnection({ kubeconfig, environment: {} }));
    await until(() => existsSync(pidFile));
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await stop();
    // Gone, or dead and not yet collected by whoever is init here.
    await until(() => !existsSync(`/proc/${pid}`) || /^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
  });

  for (const [state, prepare] of [
    ['while watches are open', undefined],
    ['while the server does not answer', { instead: 'hang' }],
    ['while waiting to try again', { status: 503 }],
  ] as const) {
    test(`${state} leaves nothing that keeps the process alive`, async (t) => {
      const { api, directory } = await withServer(t);
      if (prepare !== undefined) api.fail({ ...prepare, times: Number.POSITIVE_INFINITY });
      const kubeconfig = join(directory, 'kubeconfig');
      api.kubeconfig(kubeconfig);
      const output = await runProgram(program(kubeconfig, prepare === undefined ? 'synced' : 'time'));
      assert.equal(output, 'nothing left\n');
    });
  }
});
