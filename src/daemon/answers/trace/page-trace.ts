import { ProxyError } from '../../../errors.ts';
import { CpuLimitError, withinCpu } from '../../../page/cpu-limit.ts';
import type { TraceRequest } from '../../../page/page.ts';
import type { PageConnection, PageTrace } from '../../../page/shapes.ts';
import { KINDS } from '../../../status/service-table.ts';
import { inSlices } from '../../../sync/slices.ts';
import type { Knowledge } from '../knowledge.ts';
import { answerSteps } from './answer.ts';
import { ownAddresses } from './answer-trace.ts';
import type { TracedConnection } from './connection.ts';
import { parseClient, parseTarget } from './request.ts';

/** Milliseconds of CPU time that a trace for the page may take. */
const CPU_LIMIT = 50;

/** The parts of a connection that the page draws. */
const OUTCOMES = 12;
const RULES = 40;

/** What happens to connections, for the page: the answer of `trace`, or why there is none. */
export async function pageTrace(
  { to, from }: TraceRequest,
  known: Knowledge,
  args: Parameters<typeof answerSteps>[2],
): Promise<PageTrace> {
  try {
    const request = { target: parseTarget(to.trim()), client: parseClient(from?.trim() || undefined) };
    const steps = withinCpu(answerSteps(known, request, args, ownAddresses(known)), CPU_LIMIT);
    const { traced, left } = await inSlices(steps);
    return { connections: traced.map(({ connection }) => shown(connection)), left };
  } catch (error) {
    if (error instanceof CpuLimitError) {
      const advice = 'name a port, or run kube-proxy-nft trace on the node, where it may take longer';
      return { connections: [], left: 0, error: `the trace was stopped: ${error.message}; ${advice}` };
    }
    if (!(error instanceof ProxyError)) throw error;
    return { connections: [], left: 0, error: error.message };
  }
}

function shown(connection: TracedConnection): PageConnection {
  const { fate, text, remedy, protocol, source, isExample, from, destination, port, inForce } = connection;
  const { service, outcomes, outcomeCount, rules, ruleCount } = connection;
  return {
    ...{ fate, text, remedy, protocol, source, isExample, from, destination, port, inForce, outcomeCount, ruleCount },
    ...(service && {
      service: `${service.namespace}/${service.name}${service.port === '' ? '' : `:${service.port}`}`,
      type: KINDS[service.kind],
    }),
    outcomes: outcomes.slice(0, OUTCOMES).map((outcome) => ({
      probability: outcome.probability,
      text: outcome.fate === 'translated' ? outcome.endpoint : FATES[outcome.fate],
      isNat: outcome.fate === 'translated' && outcome.sourceNat,
    })),
    rules: rules
      .slice(0, RULES)
      .map(({ hook, chain, rule, result, probability }) => ({ hook, chain, rule, result, probability })),
  };
}

const FATES = { rejected: 'refused', dropped: 'dropped', untouched: 'untouched' } as const;
