import process from 'node:process';
import { type Arguments, isSet, textOf } from '../../config/arguments.ts';
import type { Refusal } from '../../daemon/answers/trace/answer-trace.ts';
import { answerTrace } from '../../daemon/answers/trace/answer-trace.ts';
import type { TraceAnswer } from '../../daemon/answers/trace/connection.ts';
import { parseClient, parseTarget } from '../../daemon/answers/trace/request.ts';
import { ProxyError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { kernelKnowledge } from '../kernel-knowledge.ts';
import { print } from '../print.ts';
import { isForPrograms, printData } from '../print-data.ts';
import { requestOrCompute } from '../requests.ts';
import { traceExitCode } from './exit-code.ts';
import { traceText } from './text.ts';

/** Seconds to wait for an answer. With --live, nft lists sets and maps, which may have 100,000 elements. */
const PATIENCE = { model: 30, live: 120 } as const;

/**
 * `trace`: shows what happens to connections, by the rules of the running daemon or a source. Their fate sets the exit code.
 * @throws ProxyError E_USAGE, or as requestOrCompute does
 */
export async function showTrace(args: Arguments, log: Log): Promise<void> {
  const [to = ''] = args.operands;
  const from = textOf(args, 'from');
  const isLive = isSet(args, 'live');
  // Reports errors in it before the request to the daemon.
  parseTarget(to);
  parseClient(from);
  const query = new URLSearchParams({ to, ...(from !== undefined && { from }), ...(isLive && { live: '' }) });
  const text = await requestOrCompute(args, `/trace?${query}`, (known) => answerTrace(query, known, args), log, {
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
      `the daemon in ${runDir} gave an unknown answer to "trace": it may run another version; restart it`,
    );
  }
  if ('error' in answer) throw new ProxyError(answer.error.code, answer.error.message);
  return answer;
}
