import type { Steps } from '../service/steps.ts';
import type { Step } from './flow.ts';
import type { Fate, Outcome, Trace } from './trace-packet.ts';

/** A frontend can have 65,536 endpoints, with session affinity three rules each; nobody reads them all. */
const MAX_OUTCOMES = 1000;
const MAX_RULES = 60;

/** Outcomes that are gone through in one step. */
const STEP = 1000;

/** A fate, and how likely it is: 0 to 1. */
export type ReportedOutcome = Fate & { readonly probability: number };

/** A rule on the way, and how many connections meet it: 0 to 1. */
export type ReportedRule = Step & { readonly probability: number };

/** The part of a trace that is shown: the likeliest outcomes, and the rules that most connections meet. */
export interface TraceReport {
  readonly outcomes: readonly ReportedOutcome[];
  readonly outcomeCount: number;
  /** In the order that a packet meets them. */
  readonly rules: readonly ReportedRule[];
  readonly ruleCount: number;
}

/** Shortens a trace to what can be read. */
export function* traceReport({ outcomes }: Trace): Steps<TraceReport> {
  const rules = yield* mergeSteps(outcomes);
  const most = new Set(rules.toSorted((a, b) => b.probability - a.probability).slice(0, MAX_RULES));
  return {
    outcomes: outcomes.slice(0, MAX_OUTCOMES).map(({ steps, ...outcome }) => outcome),
    outcomeCount: outcomes.length,
    rules: rules.filter((rule) => most.has(rule)),
    ruleCount: rules.length,
  };
}

/**
 * Merges the steps of all outcomes into one list: steps that only one outcome has come before the next step that it shares
 * with those before it.
 */
function* mergeSteps(outcomes: readonly Outcome[]): Steps<readonly ReportedRule[]> {
  const ways = new Map<readonly Step[], number>();
  for (const [i, { steps, probability }] of outcomes.entries()) {
    ways.set(steps, (ways.get(steps) ?? 0) + probability);
    if (i % STEP === STEP - 1) yield;
  }
  const shares = new Map<Step, number>();
  let order: readonly Step[] = [];
  for (const [steps, probability] of ways) {
    let fresh: Step[] = [];
    for (const step of steps) {
      const share = shares.get(step);
      shares.set(step, (share ?? 0) + probability);
      if (share === undefined) fresh.push(step);
      else if (fresh.length > 0) {
        order = order.toSpliced(order.indexOf(step), 0, ...fresh);
        fresh = [];
      }
    }
    order = [...order, ...fresh];
    yield;
  }
  return order.map((step) => ({ ...step, probability: shares.get(step) ?? 0 }));
}
