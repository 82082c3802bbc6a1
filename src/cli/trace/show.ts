import process from 'node:process';
import { type ErrorCode, ProxyError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { createNft } from '../../nft/nft.ts';
import { inSlices } from '../../sync/slices.ts';
import { type Arguments, isSet, textOf } from '../arguments.ts';
import { kernelKnowledge } from '../kernel-knowledge.ts';
import { localAddresses } from '../node-addresses.ts';
import { print } from '../print.ts';
import { isForPrograms, printData } from '../print-data.ts';
import { askOrWorkOut, type Knowledge } from '../questions.ts';
import { answerSteps } from './answer.ts';
import type { TraceAnswer } from './connection.ts';
import { traceExitCode } from './exit-code.ts';
import { withLive } from './live.ts';
import { parseClient, parseTarget } from './question.ts';
import { traceText } from './text.ts';

/** What answers by the control socket instead of an answer. */
interface Refusal {
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

/** Seconds that an answer is waited for. With --live nft lists sets and maps, which may have 100,000 elements. */
const PATIENCE = { model: 30, live: 120 } as const;

/**
 * `trace`: what becomes of connections, by the rules of the running daemon, or of a source. Sets the exit code by their fate.
 * @throws ProxyError E_USAGE, or as askOrWorkOut does
 */
export async function showTrace(args: Arguments, log: Log): Promise<void> {
  const [to = ''] = args.operands;
  const from = textOf(args, 'from');
  const isLive = isSet(args, 'live');
  // Told here what is wrong with it.
  parseTarget(to);
  parseClient(from);
  const asked = new URLSearchParams({ to, ...(from !== undefined && { from }), ...(isLive && { live: '' }) });
  const text = await askOrWorkOut(args, `/trace?${asked}`, (known) => answerTrace(asked, known, args), log, {
    patience: isLive ? PATIENCE.live : PATIENCE.model,
    asInKernel: isLive,
    fromKernel: kernelKnowledge,
  });
  const answer = readAnswer(`${text}`, args.runDir);
  process.exitCode = traceExitCode(answer);
  if (isForPrograms(args.output)) await printData(`${JSON.stringify(answer, undefined, 2)}\n`, args.output);
  else print(traceText(answer, isSet(args, 'rules')));
}

function readAnswer(text: string, runDir: string): TraceAnswer {
  let answer: TraceAnswer | Refusal;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ProxyError(
      'E_RUN_DIR',
      `the daemon in ${runDir} answers "trace" otherwise: is it of another version? restart it`,
    );
  }
  if ('error' in answer) throw new ProxyError(answer.error.code, answer.error.message);
  return answer;
}

/** The answer to a question of `trace`, or why there is none, as JSON; `asked`: to, from, live. */
export async function answerTrace(
  asked: URLSearchParams,
  known: Knowledge,
  args: Pick<Arguments, 'podCidrs' | 'detectLocal' | 'nodePortAddresses' | 'runDir'>,
): Promise<string> {
  try {
    const target = parseTarget(asked.get('to') ?? '');
    const client = parseClient(asked.get('from') ?? undefined);
    const place = known.inKernel ?? args;
    const { traced, left } = await inSlices(answerSteps(known, { target, client }, place, ownAddresses(known)));
    // What was found in the kernel says nothing of chains that others have changed there.
    const connections =
      asked.has('live') || known.inKernel !== undefined
        ? await withLive(traced, createNft(args.runDir, 'trace'))
        : traced.map(({ connection }) => connection);
    return JSON.stringify({ connections, left, origin: known.origin } satisfies TraceAnswer);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return JSON.stringify({ error: { code: error.code, message: error.message } } satisfies Refusal);
  }
}

/** The node's addresses. Where no daemon runs, also those of its Node: what is asked about may be another machine. */
export function ownAddresses({ state, cluster }: Knowledge): readonly string[] {
  const named = state === undefined ? (cluster.node?.addresses ?? []) : [];
  return [...new Set([...named, ...localAddresses()])];
}
