import { createServer, type Server } from 'node:net';
import { errnoOf, ProxyError } from '../errors.ts';
import { usersOf } from '../host/owners.ts';
import { descriptorsOf, nameOf, processIds, readProc } from '../host/proc.ts';
import type { Log } from '../log.ts';
import type { Nft } from '../nft/nft.ts';
import { holderProves, proveTo } from './lock-proof.ts';

/** An abstract socket: one per network namespace. It disappears with the process that holds it, however that ends. */
const LOCK_NAME = 'kube-proxy-nft';

/**
 * Makes this process the only daemon in its network namespace, regardless of its run directory. The lock is a socket on
 * which its holder proves that it may program this network namespace. If another program holds it, the daemon still starts,
 * with one warning and without the lock. A holder has `patience` milliseconds (default: five seconds).
 * @throws ProxyError E_ALREADY_RUNNING, naming the process that holds the lock if it can be seen
 */
export async function lockNamespace(nft: Nft, log: Log, patience?: number): Promise<Server> {
  const server = createServer(proveTo(nft, log));
  if (await listens(server)) return server;
  const holder = findHolder();
  // The user proves nothing: the service is not root, and a stranger's socket may be the stdin of sudo.
  if (await holderProves(LOCK_NAME, nft, patience)) {
    const who = holder === undefined ? '' : ` (pid ${holder.pid}, ${holder.name})`;
    throw new ProxyError(
      'E_ALREADY_RUNNING',
      `another kube-proxy-nft${who} runs in this network namespace; stop it first`,
    );
  }
  // It may have ended in the meantime.
  if (await listens(server)) return server;
  log.warn(
    `the lock of this network namespace, the abstract socket @${LOCK_NAME}, is held by a process that is not permitted to program it: ` +
      'continuing without the lock; find the process (ss -xlp) and stop it',
    holder === undefined ? {} : { pid: holder.pid, name: holder.name, user: holder.user },
  );
  return server;
}

/** False if another process has the name. */
async function listens(server: Server): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).once('listening', resolve).listen(`\0${LOCK_NAME}`);
  try {
    await promise;
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE') throw error;
    return false;
  } finally {
    server.off('error', reject).off('listening', resolve);
  }
}

interface Holder {
  readonly pid: string;
  readonly name: string;
  /** Its real user id; -1 if it has just ended. */
  readonly user: number;
}

/** A listening socket in /proc/net/unix. The sockets that it has accepted have the same name. */
const LISTENS = '00010000';

/** Finds the process by the socket's inode; undefined if it is in another PID namespace, or if we cannot see it. */
function findHolder(): Holder | undefined {
  const rows = (readProc('net/unix') ?? '').split('\n').map((line) => line.trim().split(/\s+/));
  const inode = rows.find(([, , , flags, , , , name]) => flags === LISTENS && name === `@${LOCK_NAME}`)?.[6];
  if (inode === undefined) return undefined;
  for (const pid of processIds()) {
    for (const link of descriptorsOf(pid)) {
      if (link === `socket:[${inode}]`) return { pid, name: nameOf(pid) ?? '', user: usersOf(pid)[0] ?? -1 };
    }
  }
  return undefined;
}
