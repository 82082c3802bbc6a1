import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';

/**
 * Any user can bind an abstract socket. The kernel does not report the owner's uid, and a service or container may not see
 * the process. So a daemon that finds the lock taken requests something from its holder that needs CAP_NET_ADMIN: an nft
 * table with a random name. The requester looks for this table, and the holder removes it.
 */
const FAMILY = 'ip';
const PROOF_TABLE = 'kube-proxy-nft-proof-';
const NONCE = /^[0-9a-f]{32}$/;

/** Milliseconds: for a connection to send its nonce; for which a proof is kept; and from one proof to the next. */
const NONCE_TIMEOUT = 500;
const PROOF_TIMEOUT = 2000;
const PAUSE = 1000;
/** Milliseconds: for which to send requests to a holder, which may be busy; and between two attempts. */
const PATIENCE = 5000;
const RETRY_DELAY = 100;

/**
 * The holder's side: how its socket handles connections. At most one proof a second and one connection at a time, because
 * any process can connect. A process that is turned away tries again.
 */
export function proveTo(nft: Nft, log: Log): (socket: Socket) => void {
  let isBusy = false;
  return (socket) => {
    // An end of the connection, of whatever kind, is waited for as "close".
    socket.on('error', () => undefined);
    if (isBusy) {
      socket.destroy();
      return;
    }
    isBusy = true;
    prove(socket, nft)
      .catch((error: unknown) => {
        log.warn(
          `cannot prove to another process that the lock of this network namespace is ours: ${messageOf(error)}`,
        );
        return true;
      })
      .then((hasWorked) => {
        socket.destroy();
        setTimeout(
          () => {
            isBusy = false;
          },
          hasWorked ? PAUSE : 0,
        ).unref();
      });
  };
}

/** True if nft was used. */
async function prove(socket: Socket, nft: Nft): Promise<boolean> {
  const nonce = (await firstData(socket, NONCE_TIMEOUT))?.trim();
  if (nonce === undefined || !NONCE.test(nonce)) return false;
  const name = PROOF_TABLE + nonce;
  const table = { family: FAMILY, name };
  const chain = { family: FAMILY, table: name, name: 'proof' };
  await nft.apply(document([JSON.stringify({ add: { table } }), JSON.stringify({ add: { chain } })]));
  try {
    socket.write('look\n');
    await once(socket, 'close', { signal: AbortSignal.timeout(PROOF_TIMEOUT) }).catch(() => undefined);
  } finally {
    await nft.apply(document([JSON.stringify({ delete: { table } })]));
  }
  return true;
}

/**
 * The requester's side: true if the holder of the abstract socket proves within `patience` milliseconds that it has
 * CAP_NET_ADMIN here. Never rejects.
 */
export async function holderProves(socketName: string, nft: Nft, patience = PATIENCE): Promise<boolean> {
  const end = performance.now() + patience;
  for (;;) {
    const rest = end - performance.now();
    if (rest <= 0) return false;
    if (await hasProof(socketName, nft, rest)) return true;
    await sleep(RETRY_DELAY);
  }
}

async function hasProof(socketName: string, nft: Nft, timeout: number): Promise<boolean> {
  const nonce = randomBytes(16).toString('hex');
  const socket = connect(`\0${socketName}`);
  try {
    socket.on('error', () => undefined).write(`${nonce}\n`);
    if ((await firstData(socket, timeout)) === undefined) return false;
    // Lists chains, not tables, because for tables nft 1.0.6 reads every element.
    const listed = await nft.list('chains', FAMILY);
    return listed.some((object) => (object as { chain?: { table?: string } }).chain?.table === PROOF_TABLE + nonce);
  } catch {
    // Without nft there is no proof. The requester will soon meet and report the same error.
    return false;
  } finally {
    socket.destroy();
  }
}

/** The first data; undefined if the connection or the time ends before. */
async function firstData(socket: Socket, timeout: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeout);
  socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1'))).once('close', () => resolve(undefined));
  return promise.finally(() => clearTimeout(timer));
}
