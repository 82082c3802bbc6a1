/** The result of a check of one topic. */
export type State = 'ok' | 'warning' | 'problem' | 'unknown';

/** What was found about a topic. The texts may contain data from outside, so they must be escaped when printed. */
export interface Finding {
  /** A few words: "nft", "API access". */
  readonly topic: string;
  /**
   * `warning`: it works, but at a cost or with surprises. `problem`: Services are not, or would not be, served correctly.
   */
  readonly state: State;
  /** What was found, in one line. */
  readonly found: string;
  /** What to do, in one line; absent if there is nothing to do. */
  readonly remedy?: string;
}

/** Everything is in order. */
export function ok(topic: string, found: string): Finding {
  return { topic, state: 'ok', found };
}

/** It works, but the operator should look at it. */
export function warning(topic: string, found: string, remedy: string): Finding {
  return { topic, state: 'warning', found, remedy };
}

/** Services are not, or would not be, served correctly. */
export function problem(topic: string, found: string, remedy: string): Finding {
  return { topic, state: 'problem', found, remedy };
}

/** The check could not find out; `found` says why. */
export function unknown(topic: string, found: string, remedy?: string): Finding {
  return { topic, state: 'unknown', found, ...(remedy !== undefined && { remedy }) };
}

/** How many findings are in a state. */
export function countOf(findings: readonly Finding[], state: State): number {
  return findings.filter((finding) => finding.state === state).length;
}
