import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { findTables } from '../nft/tables.ts';
import { ServiceManager } from './service-manager.ts';

/** Seconds for Services to arrive and be programmed, before the rules of the last run are accepted as ready. */
const GRACE = 10;
/** Seconds. By then a small cluster is programmed, and its start does not have to compete with another process. */
const SOON = 1;

/** Seconds from the last progress until systemd aborts a start; and seconds after which this is no longer extended. */
const EXTENSION = 90;
const MOST_EXTENSIONS = 1800;

const ALL_WELL = 'all Services are programmed';

export interface Readiness {
  /** Resolves when all Services are programmed. */
  readonly programmed: Promise<unknown>;
  /** Whether the kernel holds rules of ours that packets go through. */
  readonly isServing: () => Promise<boolean>;
  /** A number that grows with each transaction of the first fill. */
  readonly progress: () => number;
  readonly log: Log;
  /** A text about what is programmed, if this is the saved state and not the state of the API server. */
  readonly standIn?: () => string | undefined;
  /** Resolves when the state of the API server is programmed. Default: the same as the first promise. */
  readonly caughtUp?: Promise<unknown>;
  /** Names the socket of the service manager in NOTIFY_SOCKET, if there is one. Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Seconds. Default 10. */
  readonly grace?: number;
}

/**
 * Tells systemd (Type=notify, NotifyAccess=all) that the service is ready: when all Services are programmed, also from a
 * saved state. If that takes longer than `grace`, it does so as soon as the rules of the last run are known to serve.
 * Until then, TimeoutStartSec= decides; a first fill in progress extends it, by at most half an hour. Once the service is
 * ready, it feeds the watchdog (WatchdogSec=). Without systemd, this does nothing.
 *
 * Resolves when all Services are programmed and systemd was notified, or cannot be. Never rejects, and need not be
 * awaited. See sd_notify(3).
 */
export async function announceReadiness(readiness: Readiness): Promise<void> {
  const { programmed, isServing, progress, log, env = process.env, grace = GRACE } = readiness;
  const manager = ServiceManager.of({ env, log, retry: grace });
  if (manager === undefined) return;
  const done = programmed.then(() => true);
  const pause = (seconds: number) => sleep(seconds * 1000, false, { ref: false });
  let isReady = false;
  let doubt = '';
  let seen = progress();
  const began = performance.now();
  const extension = () => {
    const goesOn = progress() > seen && performance.now() - began < MOST_EXTENSIONS * 1000;
    seen = progress();
    return goesOn ? [`EXTEND_TIMEOUT_USEC=${EXTENSION * 1e6}`] : [];
  };
  if (!(await Promise.race([done, pause(SOON)]))) manager.keepReserve();
  while (!(await Promise.race([done, pause(grace)]))) {
    if (isReady) continue;
    const serves = await isServing().catch((error: unknown) => {
      if (doubt !== messageOf(error))
        log.warn(`cannot tell whether the rules of the last run serve: ${messageOf(error)}`);
      doubt = messageOf(error);
      return false;
    });
    // Checked each time, so that a failure to start processes is noticed early.
    if (!serves) await manager.try('STATUS=waiting for Services; no rules yet', ...extension());
    else if (await manager.try('READY=1', 'STATUS=the rules of the last run serve; waiting for Services')) {
      isReady = true;
      void manager.feed();
    }
  }
  const standIn = readiness.standIn?.();
  const isTold = await manager.tell('READY=1', `STATUS=${standIn ?? ALL_WELL}`);
  if (isTold && !isReady) void manager.feed();
  if (standIn !== undefined) void readiness.caughtUp?.then(() => manager.tell(`STATUS=${ALL_WELL}`));
}

/** Whether the kernel holds a table of ours, with hooks, for each family. The cost does not depend on its size. */
export async function isServing(runDir: string, families: readonly Family[]): Promise<boolean> {
  for (const family of families) {
    const tables = await findTables(createNft(runDir, family), family);
    if (tables.every(({ baseChains }) => baseChains.length === 0)) return false;
  }
  return families.length > 0;
}
