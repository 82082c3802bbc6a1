import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { piecesOf, type Responder, requestDaemon, serveControl } from '../../src/control/control-socket.ts';
import { type ErrorCode, ProxyError } from '../../src/errors.ts';
import { eventually } from '../builders/eventually.ts';

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-control-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(context: TestContext, runDir: string, respond: Responder = () => 'hello'): Promise<Server> {
  const server = await serveControl(runDir, respond);
  context.after(() => server.close());
  return server;
}

function proxyError(code: ErrorCode, ...texts: readonly string[]): (error: unknown) => boolean {
  return (error) =>
    error instanceof ProxyError && error.code === code && texts.every((text) => error.message.includes(text));
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

suite('the control socket', () => {
  test('can be opened by its owner alone, in a directory made for it', async (context) => {
    const runDir = join(temporaryFolder(context), 'a', 'run');
    await serve(context, runDir);
    assert.equal(modeOf(runDir), '700');
    assert.equal(modeOf(join(runDir, 'control.sock')), '600');
  });

  test('answers a path, even with a long text', async (context) => {
    const runDir = temporaryFolder(context);
    const dump = 'ä line of a dump\n'.repeat(200_000);
    await serve(context, runDir, (path) => (path === '/dump?output=nft' ? dump : undefined));
    assert.equal((await requestDaemon(runDir, '/dump?output=nft'))?.toString(), dump);
  });

  test('writes a long text in pieces, none of which ends within a character', () => {
    const MOST = 256 * 1024 + 1;
    for (const text of ['', 'short', '𝄞'.repeat(300_000), `x${'𝄞'.repeat(300_000)}`, 'ä'.repeat(1_000_000)]) {
      const pieces = [...piecesOf(text)];
      assert.equal(pieces.join(''), text);
      assert.ok(pieces.every((piece) => piece.length > 0 && piece.length <= MOST && piece.isWellFormed()));
    }
  });

  test('answers one request after the other, in their order, also after one that failed', async (context) => {
    const runDir = temporaryFolder(context);
    const begun: string[] = [];
    const answers = new Map<string, PromiseWithResolvers<string>>();
    await serve(context, runDir, (path) => {
      begun.push(path);
      if (path === '/bad') throw new Error('no such thing');
      const answer = Promise.withResolvers<string>();
      answers.set(path, answer);
      return answer.promise;
    });
    const first = requestDaemon(runDir, '/first');
    const soFar = () => begun.join();
    await eventually(() => begun.length === 1, soFar);
    const bad = requestDaemon(runDir, '/bad');
    const second = requestDaemon(runDir, '/second');
    assert.deepEqual(begun, ['/first']);
    answers.get('/first')?.resolve('one');
    assert.equal((await first)?.toString(), 'one');
    assert.equal((await bad)?.toString(), 'no such thing\n');
    await eventually(() => answers.has('/second'), soFar);
    answers.get('/second')?.resolve('two');
    assert.equal((await second)?.toString(), 'two');
    assert.deepEqual(begun, ['/first', '/bad', '/second']);
  });

  test('does not let others wait for a request that waits for nft, nor two of these be answered at once', async (context) => {
    const runDir = temporaryFolder(context);
    const begun: string[] = [];
    const nft = Promise.withResolvers<string>();
    await serve(context, runDir, (path) => {
      begun.push(path);
      return path.startsWith('/trace') ? nft.promise : 'at once';
    });
    const traces = [requestDaemon(runDir, '/trace?to=a&live='), requestDaemon(runDir, '/trace?to=b&live=')];
    await eventually(
      () => begun.length === 1,
      () => begun.join(),
    );
    assert.equal((await requestDaemon(runDir, '/status'))?.toString(), 'at once');
    assert.equal(begun.length, 2);
    nft.resolve('compared');
    assert.deepEqual(
      (await Promise.all(traces)).map((answer) => answer?.toString()),
      ['compared', 'compared'],
    );
  });

  test('takes the place of one that a killed daemon left behind', async (context) => {
    const runDir = temporaryFolder(context);
    const path = join(runDir, 'control.sock');
    const killed = createServer().listen(path);
    await once(killed, 'listening');
    // Renamed out of the way of Node's clean-up, and back: a socket without a listener stays.
    const aside = join(runDir, 'aside');
    renameSync(path, aside);
    killed.close();
    await once(killed, 'close');
    renameSync(aside, path);
    assert.ok(existsSync(path));
    assert.equal(await requestDaemon(runDir, '/'), undefined, 'nobody is there');
    await serve(context, runDir);
    assert.equal((await requestDaemon(runDir, '/'))?.toString(), 'hello');
  });

  test('of a running daemon is not taken from it', async (context) => {
    const runDir = temporaryFolder(context);
    await serve(context, runDir);
    await assert.rejects(
      serveControl(runDir, () => 'second'),
      proxyError('E_ALREADY_RUNNING', runDir, '--run-dir'),
    );
    assert.equal((await requestDaemon(runDir, '/'))?.toString(), 'hello');
  });

  test('leaves the mode of a directory that was there as it is', async (context) => {
    const runDir = temporaryFolder(context);
    chmodSync(runDir, 0o755);
    await serve(context, runDir);
    assert.equal(modeOf(runDir), '755');
    assert.equal(modeOf(join(runDir, 'control.sock')), '600');
  });

  for (const mode of [0o1777, 0o770]) {
    test(`is not put into a directory of mode ${mode.toString(8)}, where others can write`, async (context) => {
      const runDir = join(temporaryFolder(context), 'shared');
      mkdirSync(runDir);
      chmodSync(runDir, mode);
      await assert.rejects(
        serveControl(runDir, () => ''),
        proxyError('E_RUN_DIR', runDir, 'can write'),
      );
      assert.equal((statSync(runDir).mode & 0o7777).toString(8), mode.toString(8), 'nor is its mode changed');
    });
  }

  test('cannot be where a file is', async (context) => {
    const file = join(temporaryFolder(context), 'file');
    writeFileSync(file, '');
    await assert.rejects(
      serveControl(join(file, 'run'), () => ''),
      proxyError('E_RUN_DIR', file),
    );
  });
});

suite('a request to a daemon', () => {
  test('gives nothing where there is no directory', async (context) => {
    assert.equal(await requestDaemon(join(temporaryFolder(context), 'none'), '/dump'), undefined);
  });

  test('gives nothing where there is no socket', async (context) => {
    assert.equal(await requestDaemon(temporaryFolder(context), '/dump'), undefined);
  });
});
