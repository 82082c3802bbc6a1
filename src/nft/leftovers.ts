import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, usersOf } from '../host/owners.ts';
import { commandLineOf, namespaceOf, parentOf, processIds } from '../host/proc.ts';
import type { Log } from '../log.ts';

/** Milliseconds between two looks, and looks until it goes on regardless: longer than nft is given for one load. */
const LOOK_EVERY = 50;
const MAX_LOOKS = 1200;

/**
 * Waits for nft processes that a daemon before us started and did not live to see the end of: what they bring into the
 * kernel must be there when we read it. They are known by our run directory in their command line, and none is a child of
 * ours. A session ends by itself once its daemon is gone. Those of another daemon, which lives in another network namespace, are left out, and
 * what belongs to a user who is neither root nor ours: anybody can give a process such arguments.
 */
export async function waitForLeftovers(runDir: string, log: Log): Promise<void> {
  for (let look = 0; look < MAX_LOOKS; look++) {
    const pids = nftProcesses(runDir);
    if (pids.length === 0) return;
    if (look === 0) log.info('waiting for a transaction of the last run to end', { pids: pids.join(' ') });
    await sleep(LOOK_EVERY);
  }
  log.warn('a transaction of the last run does not end; continuing');
}

function nftProcesses(runDir: string): readonly string[] {
  const namespace = namespaceOf('self', 'net');
  // Not by promises: with 200 processes they took 100 ms of CPU time, this takes 4.
  return processIds().filter((pid) => {
    const words = commandLineOf(pid);
    const isOurs = words.some((word, i) => word === runDir && words[i - 1] === '-I');
    return isOurs && parentOf(pid) !== process.pid && namespaceOf(pid, 'net') === namespace && isTrusted(pid);
  });
}

function isTrusted(pid: string): boolean {
  const users = usersOf(pid);
  return users.length > 0 && users.every((user) => user === ROOT || user === process.geteuid?.());
}
