import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { errnoOf, ProxyError } from '../errors.ts';

/** An abstract socket: one per network namespace, and gone with the process that holds it, however it ends. */
const LOCK_NAME = 'kube-proxy-nft';

/**
 * Makes this process the only daemon in its network namespace, whatever its run directory. The lock is a socket that
 * nobody can use: connections to it are closed.
 * @throws ProxyError E_ALREADY_RUNNING, naming the process that holds the lock if it can be seen
 */
export async function lockNamespace(): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(`\0${LOCK_NAME}`, resolve);
  try {
    await promise;
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE') throw error;
    const holder = await findHolder();
    throw new ProxyError(
      'E_ALREADY_RUNNING',
      `another kube-proxy-nft${holder ? ` (${holder})` : ''} works in this network namespace; stop it first`,
      { cause: error },
    );
  }
  return server;
}

/** "pid 12, name", found by the socket's inode; undefined if it is in another PID namespace. */
async function findHolder(): Promise<string | undefined> {
  const sockets = await readFile('/proc/net/unix', 'utf8').catch(() => '');
  const line = sockets.split('\n').find((text) => text.endsWith(` @${LOCK_NAME}`));
  const inode = line?.trim().split(/\s+/)[6];
  if (inode === undefined) return undefined;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (target !== `socket:[${inode}]`) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return `pid ${pid}, ${name.trim()}`;
    }
  }
  return undefined;
}
