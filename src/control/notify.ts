import { execFile } from 'node:child_process';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { findTables } from '../nft/tables.ts';

const run = promisify(execFile);

/** Seconds for Services to arrive and be programmed, until the rules of the last run will do. */
const GRACE = 10;
/** Seconds. systemd-notify takes milliseconds, and up to 5 s if systemd does not read what it sends. */
const TIME_LIMIT = 10;

export interface Readiness {
  /** Resolves when all Services are programmed. */
  readonly programmed: Promise<unknown>;
  /** Whether the kernel holds rules of ours that packets go through. */
  readonly isServing: () => Promise<boolean>;
  readonly log: Log;
  /** Names the socket of the service manager in NOTIFY_SOCKET, if there is one. Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Seconds. Default 10. */
  readonly grace?: number;
}

/**
 * Tells systemd (Type=notify, NotifyAccess=all) that the service is ready: when all Services are programmed or, when
 * that takes longer than `grace`, as soon as the rules of the last run are known to serve. Otherwise it is not told, and
 * TimeoutStartSec= decides. Without systemd this does nothing. Resolves when there is nothing more to tell; never
 * rejects, and need not be awaited. See sd_notify(3).
 */
export async function announceReadiness(readiness: Readiness): Promise<void> {
  const { programmed, isServing, log, env = process.env, grace = GRACE } = readiness;
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return;
  const done = programmed.then(() => true);
  const pause = () => sleep(grace * 1000, false, { ref: false });
  let isReady = false;
  let told = '';
  const tell = async (status: string) => {
    if (status === told) return;
    told = status;
    await notify([...(isReady ? ['--ready'] : []), `--status=${status}`], env, log);
  };
  while (!(await Promise.race([done, pause()]))) {
    if (isReady) continue;
    isReady = await isServing().catch((error: unknown) => {
      log.warn(`whether the rules of the last run are in force cannot be found out: ${messageOf(error)}`);
      return false;
    });
    await tell(
      isReady ? 'the rules of the last run serve; Services are awaited' : 'Services are awaited; no rules yet',
    );
  }
  isReady = true;
  await tell('all Services are programmed');
}

/** Whether the kernel holds a table of ours, with hooks, for each family. What it costs does not depend on its size. */
export async function isServing(runDir: string, families: readonly Family[]): Promise<boolean> {
  for (const family of families) {
    const tables = await findTables(createNft(runDir, family), family);
    if (tables.every(({ baseChains }) => baseChains.length === 0)) return false;
  }
  return families.length > 0;
}

/** Through systemd's own program: the message is a datagram to a Unix socket, which Node.js cannot send. */
async function notify(args: readonly string[], env: NodeJS.ProcessEnv, log: Log): Promise<void> {
  try {
    await run('systemd-notify', [...args], { env, timeout: TIME_LIMIT * 1000, killSignal: 'SIGKILL' });
  } catch (error) {
    log.warn(
      `systemd was not told how we are (${args.join(' ')}): ${messageOf(error).trim()}. Without that it ends a ` +
        'service of Type=notify after TimeoutStartSec=: install its program systemd-notify, or use Type=exec',
    );
  }
}
