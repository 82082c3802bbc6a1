import { type Arguments, isSet } from '../config/arguments.ts';
import type { Log } from '../log.ts';
import { type Status, statusJson, statusText } from '../status/status.ts';
import { statusKey } from '../status/status-key.ts';
import { leftInKernel, notRunningText } from './left-in-kernel.ts';
import { print } from './print.ts';
import { isForPrograms, printItem } from './print-data.ts';
import { requestAgain } from './request-again.ts';

/**
 * `status --watch`: the answer, and a new one each time that something else is to be said than before; times that pass, and
 * elements that come and go, are no reason. With --brief that is a line, and there is a new one when it says something else.
 * Each begins with the time. A daemon that ends is one of the answers, with what the kernel still serves; it is waited for. The
 * kernel is compared at the daemon's own pace. Ends when nobody reads any more, or by a signal.
 * @throws ProxyError E_RUN_DIR, E_NFT_FAILED and the like where no daemon runs
 */
export async function watchStatus(
  first: Status | undefined,
  ask: () => Promise<Status | undefined>,
  args: Arguments,
  log: Log,
): Promise<void> {
  const isBrief = isSet(args, 'brief');
  let known: string | undefined;
  for await (const again of requestAgain(async () => ({ status: known === undefined ? first : await ask() }))) {
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
