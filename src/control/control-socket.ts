import { chmod, mkdir, unlink } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, messageOf, ProxyError } from '../errors.ts';
import { assertPrivateFolder } from '../host/private-folder.ts';
import type { Log } from '../log.ts';

/** The daemon's socket in its run directory. Mode 0600, in a directory with 0700: only for the daemon's user and root. */
const SOCKET_NAME = 'control.sock';

/** Seconds. A dump of a large cluster takes a fraction of one; a daemon that was stopped by a signal never answers. */
const ANSWER_TIMEOUT = 10;

/** Requests whose answers need a listing from nft. */
const READS_KERNEL = /^\/connections\b|[?&]live(?:[=&]|$)/;

/** The daemon's answer to a path such as "/dump?output=nft"; undefined for unknown paths. */
export type Responder = (path: string) => Promise<string | undefined> | string | undefined;

/**
 * Creates the run directory and listens in it.
 * @throws ProxyError E_RUN_DIR; E_ALREADY_RUNNING if a daemon of another network namespace uses the directory
 */
export async function serveControl(runDir: string, respond: Responder): Promise<Server> {
  const path = join(runDir, SOCKET_NAME);
  // One answer at a time: a dump is long work in slices, and many dumps at once would leave no time for the rules.
  // Requests that wait for nft have their own queue: nft takes many seconds to list a large table, the daemon none.
  const rows = { model: Promise.resolve(), kernel: Promise.resolve() };
  const server = createServer((incoming, outgoing) => {
    const row = READS_KERNEL.test(incoming.url ?? '') ? 'kernel' : 'model';
    rows[row] = rows[row].then(async () => {
      if (outgoing.destroyed) return;
      const [status, body] = await answerTo(incoming.method === 'GET' ? (incoming.url ?? '/') : undefined, respond);
      outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
      for (const piece of piecesOf(body ?? '')) {
        outgoing.write(piece);
        await nextTurn();
        // The client may have disconnected.
        if (outgoing.destroyed) return;
      }
      outgoing.end();
    });
  });
  try {
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    // An existing directory keeps its mode (it may be /run, or systemd's), but other users must not be able to write to it.
    await assertPrivateFolder(runDir);
    if (await isServed(path)) {
      throw new ProxyError('E_ALREADY_RUNNING', `another kube-proxy-nft uses ${runDir}; choose another --run-dir`);
    }
    await unlink(path).catch(ignoreMissing);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // listen creates the socket. With this umask, no other user can ever open it.
    const mask = process.umask(0o177);
    server.once('error', reject).listen(path, resolve);
    process.umask(mask);
    await promise;
    await chmod(path, 0o600);
    return server;
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw new ProxyError('E_RUN_DIR', `run directory ${runDir} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** Milliseconds until the next attempt to write to the run directory. */
const RETRY_DELAY = 30_000;

/**
 * Errors that are temporary, or no reason to leave a node without Services. Others are mistakes that the first start shows.
 */
const NO_ROOM = ['EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'];

/** Listens in the run directory, or tries to. */
export interface Control {
  close(): void;
}

/**
 * Like serveControl. But if there is no space for a socket, or the disk is not writable, it warns once, continues without
 * the socket, and retries until it works.
 * @throws ProxyError E_RUN_DIR, E_ALREADY_RUNNING
 */
export async function keepControl(
  runDir: string,
  respond: Responder,
  log: Log,
  retryDelay = RETRY_DELAY,
): Promise<Control> {
  let server: Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const attempt = async () => {
    server = await serveControl(runDir, respond);
    if (isClosed) server.close();
  };
  const again = () => {
    timer = setTimeout(() => {
      attempt().then(
        () => log.info('the control socket is available now', { runDir }),
        () => again(),
      );
    }, retryDelay).unref();
  };
  await attempt().catch((error: unknown) => {
    if (!(error instanceof ProxyError) || !NO_ROOM.includes(errnoOf(error.cause) ?? '')) throw error;
    log.warn(
      `${error.message}; continuing without a control socket, so status, get, dump, trace and migrate find no daemon; ` +
        'retrying until it works',
    );
    again();
  });
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      server?.close();
    },
  };
}

/** Characters of an answer that are encoded and written at a time. */
const PIECE = 256 * 1024;

/** Splits a text into pieces of this length, or one more so that no character is cut in two. */
export function* piecesOf(text: string): Iterable<string> {
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = start + PIECE;
    const isHalf = text.codePointAt(end - 1) !== text.charCodeAt(end - 1);
    if (isHalf) end++;
    yield text.slice(start, end);
  }
}

/** No request may end the daemon. */
async function answerTo(
  path: string | undefined,
  respond: Responder,
): Promise<readonly [status: number, body?: string]> {
  try {
    const body = path === undefined ? undefined : await respond(path);
    return body === undefined ? [404] : [200, body];
  } catch (error) {
    return [500, `${messageOf(error)}\n`];
  }
}

/**
 * Sends a request to the daemon of a run directory, and waits `patience` seconds for its answer; undefined if there is no
 * daemon.
 * @throws ProxyError E_RUN_DIR if the socket exists, but we may not use it
 */
export async function requestDaemon(
  runDir: string,
  path: string,
  patience = ANSWER_TIMEOUT,
): Promise<Buffer | undefined> {
  const socketPath = join(runDir, SOCKET_NAME);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  request({ socketPath, path, signal: AbortSignal.timeout(patience * 1000) }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
    response.on('end', () => resolve(Buffer.concat(chunks)));
  })
    .on('error', reject)
    .end();
  try {
    return await promise;
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes(errno)) return undefined;
    const why = ['EACCES', 'EPERM'].includes(errno)
      ? "only root and the daemon's user may connect to it; run this as root"
      : messageOf(error);
    throw new ProxyError('E_RUN_DIR', `the daemon in ${runDir} cannot be reached: ${why}`, { cause: error });
  }
}

async function isServed(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  request({ socketPath: path, path: '/', signal: AbortSignal.timeout(ANSWER_TIMEOUT * 1000) }, (response) => {
    response.resume();
    resolve(true);
  })
    // A process that does not answer in time still uses the socket.
    .on('error', (error) => resolve(error.name === 'AbortError'))
    .end();
  return promise;
}

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
