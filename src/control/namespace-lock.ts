import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import process from 'node:process';
import { errnoOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';

/** An abstract socket: one per network namespace, and gone with the process that holds it, however it ends. */
const LOCK_NAME = 'kube-proxy-nft';

/**
 * Makes this process the only daemon in its network namespace, whatever its run directory. The lock is a socket that
 * nobody can use: connections to it are closed.
 * @throws ProxyError E_ALREADY_RUNNING, naming the process that holds the lock if it can be seen
 */
export async function lockNamespace(log: Log): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(`\0${LOCK_NAME}`, resolve);
  try {
    await promise;
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE') throw error;
    const holder = await findHolder();
    if (holder !== undefined && holder.uid !== 0 && holder.uid !== process.geteuid?.()) {
      // Abstract sockets have no owner: any user could keep us from starting.
      log.warn(`the lock of this network namespace is held by another user's process, going on without it`, {
        ...holder,
      });
      return server;
    }
    const who = holder === undefined ? '' : ` (pid ${holder.pid}, ${holder.name})`;
    throw new ProxyError(
      'E_ALREADY_RUNNING',
      `another kube-proxy-nft${who} works in this network namespace; stop it first`,
      { cause: error },
    );
  }
  return server;
}

interface Holder {
  readonly pid: string;
  readonly name: string;
  readonly uid: number;
}

/** Found by the socket's inode; undefined if it is in another PID namespace. */
async function findHolder(): Promise<Holder | undefined> {
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
      const uid = await stat(`/proc/${pid}`).then(
        (found) => found.uid,
        () => 0,
      );
      return { pid, name: name.trim(), uid };
    }
  }
  return undefined;
}
