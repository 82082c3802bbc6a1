import type { Arguments } from '../../../config/arguments.ts';
import type { ErrorCode } from '../../../errors.ts';
import { ProxyError } from '../../../errors.ts';
import { createNft } from '../../../nft/nft.ts';
import { inSlices } from '../../../sync/slices.ts';
import { localAddresses } from '../../node-addresses.ts';
import type { Knowledge } from '../knowledge.ts';
import { answerSteps } from './answer.ts';
import type { TraceAnswer } from './connection.ts';
import { withLive } from './live.ts';
import { parseClient, parseTarget } from './request.ts';
/** The reply on the control socket if there is no answer. */
export interface Refusal {
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

/** The answer to a request of `trace`, or why there is none, as JSON. `query`: to, from, live. */
export async function answerTrace(
  query: URLSearchParams,
  known: Knowledge,
  args: Pick<Arguments, 'podCidrs' | 'detectLocal' | 'nodePortAddresses' | 'runDir'>,
): Promise<string> {
  try {
    const target = parseTarget(query.get('to') ?? '');
    const client = parseClient(query.get('from') ?? undefined);
    const place = known.inKernel ?? args;
    const { traced, left } = await inSlices(answerSteps(known, { target, client }, place, ownAddresses(known)));
    // What was read from the kernel does not show which chains others have changed.
    const connections =
      query.has('live') || known.inKernel !== undefined
        ? await withLive(traced, createNft(args.runDir, 'trace'))
        : traced.map(({ connection }) => connection);
    return JSON.stringify({ connections, left, origin: known.origin } satisfies TraceAnswer);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return JSON.stringify({ error: { code: error.code, message: error.message } } satisfies Refusal);
  }
}

/** The node's addresses. Without a daemon, also those of its Node, because the request may be about another machine. */
export function ownAddresses({ state, cluster }: Knowledge): readonly string[] {
  const named = state === undefined ? (cluster.node?.addresses ?? []) : [];
  return [...new Set([...named, ...localAddresses()])];
}
