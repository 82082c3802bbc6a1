import type { Log } from '../log.ts';
import type { Arguments } from './arguments.ts';
import { renderDump } from './dump.ts';
import { print } from './print.ts';
import { askOrWorkOut, type Knowledge } from './questions.ts';
import { parseTraceQuestion, renderTrace } from './trace.ts';

/** --dump and --trace: prints what the running daemon answers, or, with a source and no daemon, what one would. */
export async function show(args: Arguments, log: Log): Promise<void> {
  const path =
    args.trace === undefined ? `/dump?${new URLSearchParams({ output: args.output })}` : tracePath(args.trace);
  const text = await askOrWorkOut(args, path, (known) => answerTo(path, known, args) ?? '', log);
  print(text);
}

/** The answer to a question that came by the control socket; undefined for an unknown one. */
export function answerTo(path: string, known: Knowledge, args: Pick<Arguments, 'podCidrs'>): string | undefined {
  const [route, query] = path.split('?');
  const parameters = new URLSearchParams(query);
  if (route === '/dump') return renderDump(known, parameters.get('output') === 'json' ? 'json' : 'nft');
  if (route !== '/trace') return undefined;
  const question = parseTraceQuestion(parameters.get('to') ?? '', parameters.get('from') ?? undefined);
  return renderTrace(known, question, args);
}

function tracePath({ to, from }: NonNullable<Arguments['trace']>): string {
  // Told here what is wrong with it.
  parseTraceQuestion(to, from);
  return `/trace?${new URLSearchParams({ to, ...(from !== undefined && { from }) })}`;
}
