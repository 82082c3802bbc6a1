import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, usersOf } from '../host/owners.ts';
import { commandLineOf, namespaceOf, parentOf, processIds } from '../host/proc.ts';
import type { Log } from '../log.ts';

/**
 * Milliseconds between two looks, and how many looks before we continue anyway: longer than nft may take for one document.
 */
const LOOK_EVERY = 50;
const MAX_LOOKS = 1200;

/**
 * Waits for nft processes that an earlier daemon started and left running: what they write to the kernel must be there when
 * we read it. They are known by our run directory in their command line, and are not our children. A session ends by itself
 * once its daemon is gone. Processes in other network namespaces belong to another daemon and are ignored. So are processes
 * of users other than root and ours, because anybody can give a process such arguments.
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
  // Synchronous: with 200 processes, promises took 100 ms of CPU time, and this takes 4.
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
