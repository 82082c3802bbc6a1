import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arguments, isSet, textOf } from '../config/arguments.ts';
import { parseDuration } from '../config/duration.ts';
import { requestDaemon } from '../control/control-socket.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isInSync, type Status, statusJson, statusText } from '../status/status.ts';
import { leftInKernel, notRunningText } from './left-in-kernel.ts';
import { print } from './print.ts';
import { isForPrograms, printData } from './print-data.ts';
import { watchStatus } from './watch-status.ts';

/** The exit codes of `status`. */
const EXIT = { inSync: 0, notInSync: 1, notRunning: 3 } as const;

/** Milliseconds to wait for a comparison with the kernel. With a large table it takes longer; the answer has its age. */
const LOOK = 3_000;

/** Milliseconds between two requests. */
const PAUSE = 100;

/**
 * `status`: queries the running daemon, which first compares the kernel. With `--wait`, queries until it is in sync.
 * Without a daemon, says what the kernel still serves. Sets the exit code: 0 in sync, 1 not, 3 no daemon. For `--watch`, see
 * watchStatus.
 * @throws ProxyError E_RUN_DIR if the daemon cannot be reached, or has another version
 */
export async function status(args: Arguments, log: Log): Promise<void> {
  const wait = parseDuration(textOf(args, 'wait') ?? '0') ?? 0;
  if (isSet(args, 'watch')) {
    if (wait > 0) throw new ProxyError('E_USAGE', '--wait and --watch cannot be given together');
    const first = await lookedAt(args.runDir, 0);
    return watchStatus(first, () => statusOfDaemon(args.runDir), args, log);
  }
  const known = await lookedAt(args.runDir, wait);
  if (known === undefined) process.exitCode = EXIT.notRunning;
  else process.exitCode = isInSync(known) ? EXIT.inSync : EXIT.notInSync;
  if (isForPrograms(args.output)) {
    await printData(known === undefined ? await leftInKernel(args, true, log) : statusJson(known), args.output);
    return;
  }
  const isBrief = isSet(args, 'brief');
  print(known === undefined ? await notRunningText(args, isBrief, log) : statusText(known, isBrief));
}

/** The daemon's status after a comparison with the kernel. Waits up to `wait` milliseconds until it is in sync. */
async function lookedAt(runDir: string, wait: number): Promise<Status | undefined> {
  const requestedAt = Date.now();
  let known = await statusOfDaemon(runDir, '/status?look');
  const began = performance.now();
  const until = began + Math.max(LOOK, wait);
  const isSettled = ({ families }: Status) =>
    families.every(({ isWatched, comparedAt = 0 }) => !isWatched || comparedAt >= requestedAt) ||
    performance.now() > began + LOOK;
  while (performance.now() < until && (wait > 0 || known !== undefined)) {
    if (known !== undefined && isSettled(known) && (wait === 0 || isInSync(known))) break;
    await sleep(PAUSE);
    known = await statusOfDaemon(runDir);
  }
  return known;
}

/**
 * The status from the daemon of a run directory; undefined if there is none.
 * @throws ProxyError E_RUN_DIR if it cannot be reached, or has another version
 */
export async function statusOfDaemon(runDir: string, path = '/status'): Promise<Status | undefined> {
  const answer = await requestDaemon(runDir, path);
  if (answer === undefined) return undefined;
  try {
    return JSON.parse(answer.toString()) as Status;
  } catch {
    const message = `the daemon in ${runDir} does not know "status": it is another version; restart it`;
    throw new ProxyError('E_RUN_DIR', message);
  }
}
