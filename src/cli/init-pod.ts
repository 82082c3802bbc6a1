import { chownSync, lstatSync } from 'node:fs';
import process from 'node:process';
import type { Arguments } from '../config/arguments.ts';
import { initialize } from '../daemon/prepare-node.ts';
import { messageOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { check } from './check.ts';

/** The largest user id in Linux. The next number means "none". */
const MAX_UID = 2 ** 32 - 2;

/**
 * `init-pod UID`: runs as root in a pod's init container, for a daemon with another user: gives it the run directory, and
 * runs `init` and `check`. Every failure is only a warning.
 * @throws ProxyError E_USAGE for an invalid UID
 */
export async function initializePod(args: Arguments, log: Log): Promise<void> {
  const uid = uidIn(args.operands[0] ?? '');
  for (const step of [() => handOver(args.runDir, uid), () => initialize(args, log), () => check(args, log)]) {
    try {
      await step();
    } catch (error) {
      log.warn(`continuing, although this failed: ${messageOf(error)}`);
    }
  }
  // check sets 1 if it has found a problem.
  process.exitCode = 0;
}

function uidIn(text: string): number {
  const uid = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (uid <= MAX_UID) return uid;
  throw new ProxyError('E_USAGE', `init-pod: UID must be a number of 0 to ${MAX_UID}`);
}

/** The folder is a mount in the pod. Its parent cannot be changed from outside, so nothing can replace it in between. */
function handOver(runDir: string, uid: number): void {
  try {
    if (!lstatSync(runDir).isDirectory()) throw new Error('it is not a directory');
    chownSync(runDir, uid, uid);
  } catch (error) {
    throw new Error(`the run directory ${runDir} was not given to user ${uid}: ${messageOf(error)}`);
  }
}
