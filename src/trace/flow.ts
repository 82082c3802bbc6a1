import { printRule, type Statement } from '../ruleset/elements/statement.ts';

/** A rule that took effect on a packet, or a lookup that found nothing for it. */
export interface Step {
  /** "prerouting", "output", … */
  readonly hook: string;
  readonly chain: string;
  /** In nft's own language. */
  readonly rule: string;
  /** The deciding data: "10.96.0.80 . tcp . 80 : goto pick-tcp-4 (default/web:http)". May be empty. */
  readonly result: string;
  /** False if a lookup found nothing, so the next rule was tried. */
  readonly matched: boolean;
}

/** Steps so far, the last first. Equal steps share a trail, however many endpoints are reached that way. */
export interface Trail {
  /** Undefined where a packet starts. */
  readonly step: Step | undefined;
  readonly before: Trail | undefined;
  readonly after: Map<Step, Trail>;
}

/** The share of the connections that are in one place, and how (most of) them came there. */
export interface Flow {
  readonly share: number;
  readonly trail: Trail;
}

/** All connections, where they start. */
export function wholeFlow(): Flow {
  return { share: 1, trail: { step: undefined, before: undefined, after: new Map() } };
}

/** A part of a flow. */
export function partOf(flow: Flow, share: number): Flow {
  return share === 1 ? flow : { share: flow.share * share, trail: flow.trail };
}

/** Combines two flows to the same place. The way of the larger one is shown. */
export function join(one: Flow, other: Flow | undefined): Flow;
export function join(one: Flow | undefined, other: Flow | undefined): Flow | undefined;
export function join(one: Flow | undefined, other: Flow | undefined): Flow | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { share: one.share + other.share, trail: (other.share > one.share ? other : one).trail };
}

/** The flow with one more step. */
export function afterStep({ share, trail }: Flow, step: Step): Flow {
  const known = trail.after.get(step);
  if (known !== undefined) return { share, trail: known };
  const next: Trail = { step, before: trail, after: new Map() };
  trail.after.set(step, next);
  return { share, trail: next };
}

/** The steps of a trail, in order. */
export function stepsOf(trail: Trail): readonly Step[] {
  const steps: Step[] = [];
  for (let at: Trail | undefined = trail; at?.step !== undefined; at = at.before) steps.push(at.step);
  return steps.reverse();
}

/** Makes each step of a trace once. */
export class Steps {
  readonly #byRule = new Map<readonly Statement[], Map<string, Step>>();

  step(hook: string, chain: string, rule: readonly Statement[], result: string, matched = true): Step {
    const known = this.#byRule.get(rule) ?? new Map<string, Step>();
    this.#byRule.set(rule, known);
    const key = `${hook} ${chain} ${matched} ${result}`;
    const step = known.get(key) ?? { hook, chain, rule: printRule(rule), result, matched };
    known.set(key, step);
    return step;
  }
}
