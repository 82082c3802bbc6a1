import { chmod, mkdir, unlink } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, messageOf, ProxyError } from '../errors.ts';
import { assertPrivateFolder } from '../host/private-folder.ts';
import type { Log } from '../log.ts';

/** Where the daemon listens, in its run directory. Mode 0600, in a directory of 0700: for its own user and root only. */
const SOCKET_NAME = 'control.sock';

/** Seconds. A dump of a large cluster takes a fraction of one; a daemon that was stopped by a signal never answers. */
const ANSWER_TIMEOUT = 10;

/** Questions that are answered from what nft lists. */
const READS_KERNEL = /^\/connections\b|[?&]live(?:[=&]|$)/;

/** What the daemon answers to a path such as "/dump?output=nft"; undefined for paths it does not know. */
export type Responder = (path: string) => Promise<string | undefined> | string | undefined;

/**
 * Makes the run directory and listens in it.
 * @throws ProxyError E_RUN_DIR; E_ALREADY_RUNNING if a daemon of another network namespace uses the directory
 */
export async function serveControl(runDir: string, respond: Responder): Promise<Server> {
  const path = join(runDir, SOCKET_NAME);
  // One answer after the other: a dump is long work in slices, and many at a time would leave nothing for the rules.
  // What waits for nft has a row of its own: a listing of a large table takes it many seconds, and the daemon nothing.
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
        // Who asked may be gone.
        if (outgoing.destroyed) return;
      }
      outgoing.end();
    });
  });
  try {
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    // A directory that was there keeps its mode (it may be /run, or systemd's), but nobody else may put files into it.
    await assertPrivateFolder(runDir);
    if (await isServed(path)) {
      throw new ProxyError('E_ALREADY_RUNNING', `another kube-proxy-nft uses ${runDir}; choose another --run-dir`);
    }
    await unlink(path).catch(ignoreMissing);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The socket is made within listen: with this mask nobody else can open it from its first moment.
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

/** Milliseconds until a run directory that could not be written to is tried again. */
const RETRY_DELAY = 30_000;

/** What passes, or is no reason to leave a node without Services. Others are mistakes that are found at the first start. */
const NO_ROOM = ['EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'];

/** Listens in the run directory, or tries to. */
export interface Control {
  close(): void;
}

/**
 * As serveControl; but where there is no room for a socket, or no right to write on that disk, it warns once, goes on
 * without, and tries again until it can.
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
        () => log.info('the control socket is there now', { runDir }),
        () => again(),
      );
    }, retryDelay).unref();
  };
  await attempt().catch((error: unknown) => {
    if (!(error instanceof ProxyError) || !NO_ROOM.includes(errnoOf(error.cause) ?? '')) throw error;
    log.warn(
      `${error.message}; going on without a control socket, so that status, get, dump, trace and migrate find no daemon; ` +
        'tried again until there is one',
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

/** A text in pieces of that length, or one more: no character is cut in two. */
export function* piecesOf(text: string): Iterable<string> {
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = start + PIECE;
    const isHalf = text.codePointAt(end - 1) !== text.charCodeAt(end - 1);
    if (isHalf) end++;
    yield text.slice(start, end);
  }
}

/** A question must not end the daemon, whatever it is. */
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
 * Asks the daemon of a run directory, and waits so many seconds for its answer; undefined if there is none.
 * @throws ProxyError E_RUN_DIR if the socket is there but not for us
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
      ? 'only root and its own user may; run it as root'
      : messageOf(error);
    throw new ProxyError('E_RUN_DIR', `the daemon in ${runDir} cannot be asked: ${why}`, { cause: error });
  }
}

async function isServed(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  request({ socketPath: path, path: '/', signal: AbortSignal.timeout(ANSWER_TIMEOUT * 1000) }, (response) => {
    response.resume();
    resolve(true);
  })
    // Somebody who does not answer in time is there all the same.
    .on('error', (error) => resolve(error.name === 'AbortError'))
    .end();
  return promise;
}

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
