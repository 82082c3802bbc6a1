import { type Arguments, isSet } from '../config/arguments.ts';
import type { Log } from '../log.ts';
import { type Status, statusJson, statusText } from '../status/status.ts';
import { statusKey } from '../status/status-key.ts';
import { leftInKernel, notRunningText } from './left-in-kernel.ts';
import { print } from './print.ts';
import { isForPrograms, printItem } from './print-data.ts';
import { requestAgain } from './request-again.ts';

/**
 * `status --watch`: prints the status, and prints it again whenever it changes. Elapsed times and element counts alone are
 * not a change. With --brief, it prints the first line whenever that changes. Each answer begins with the time. If the
 * daemon ends, it prints what the kernel still serves and waits for the next daemon. The kernel is compared at the daemon's
 * own pace. Ends when the reader closes stdout, or on a signal.
 * @throws ProxyError E_RUN_DIR, E_NFT_FAILED and the like if no daemon runs
 */
export async function watchStatus(
  first: Status | undefined,
  request: () => Promise<Status | undefined>,
  args: Arguments,
  log: Log,
): Promise<void> {
  const isBrief = isSet(args, 'brief');
  let known: string | undefined;
  for await (const again of requestAgain(async () => ({ status: known === undefined ? first : await request() }))) {
    if ('lost' in again) {
      if (known !== again.lost) log.warn(`${again.lost}; waiting for it`);
      known = again.lost;
      continue;
    }
    const answer = again.answer.status;
    const key = answer === undefined ? '' : statusKey(answer, isBrief);
    if (key === known) continue;
    if (isForPrograms(args.output)) await printItem(await dataOf(answer, args, log), args.output);
    else await tell(answer, known === undefined || isBrief, args, log);
    known = key;
  }
}

async function dataOf(answer: Status | undefined, args: Arguments, log: Log): Promise<object> {
  return JSON.parse(answer === undefined ? await leftInKernel(args, true, log) : statusJson(answer));
}

async function tell(answer: Status | undefined, isJoined: boolean, args: Arguments, log: Log): Promise<void> {
  const isBrief = isSet(args, 'brief');
  const text = answer === undefined ? await notRunningText(args, isBrief, log) : statusText(answer, isBrief);
  const time = new Date(answer?.at ?? Date.now()).toISOString().replace(/\.\d+/, '');
  print(`${isJoined ? '' : '\n'}${time} ${text}`);
}
