import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';

/** Milliseconds between two looks, and looks until it goes on regardless: longer than nft is given for one load. */
const LOOK_EVERY = 50;
const MAX_LOOKS = 1200;

/**
 * Waits for nft processes that a daemon before us started and did not live to see the end of: what they bring into the
 * kernel must be there when we read it. They are known by our run directory in their command line. A session ends by
 * itself once its daemon is gone. Those of another daemon, which lives in another network namespace, are left out.
 */
export async function waitForLeftovers(runDir: string, log: Log): Promise<void> {
  for (let look = 0; look < MAX_LOOKS; look++) {
    const pids = await nftProcesses(runDir);
    if (pids.length === 0) return;
    if (look === 0) log.info('waiting for a transaction of the last run to end', { pids: pids.join(' ') });
    await sleep(LOOK_EVERY);
  }
  log.warn('a transaction of the last run does not end; going on');
}

async function nftProcesses(runDir: string): Promise<readonly string[]> {
  const namespace = await networkNamespace('self');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const matches = await Promise.all(
    pids.map(async (pid) => {
      // A process that has just ended has no command line.
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const isOurs = words.some((word, i) => {
        if (words[i - 1] === '-f') return word.startsWith(join(runDir, 'ip'));
        return words[i - 1] === '-I' && word === runDir;
      });
      return isOurs && (await networkNamespace(pid)) === namespace;
    }),
  );
  return pids.filter((_, i) => matches[i]);
}

/** Of a process: "net:[4026531840]"; empty if it has ended or is none of ours to look at. */
function networkNamespace(pid: string): Promise<string> {
  return readlink(`/proc/${pid}/ns/net`).catch(() => '');
}
