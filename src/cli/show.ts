import { type Arguments, isSet } from '../config/arguments.ts';
import { answerTo } from '../daemon/answers/answers.ts';
import type { Log } from '../log.ts';
import { print } from './print.ts';
import { requestOrCompute } from './requests.ts';

/** `dump`: prints the rules of the running daemon or, with a source and without a daemon, the rules it would have. */
export async function showDump(args: Arguments, log: Log): Promise<void> {
  const all = isSet(args, 'all') ? { all: '' } : {};
  const path = `/dump?${new URLSearchParams({ output: args.output ?? 'nft', ...all })}`;
  const text = await requestOrCompute(args, path, async (known) => (await answerTo(path, known, args)) ?? '', log);
  print(text);
}
