/** What a check says of one topic. */
export type State = 'ok' | 'warning' | 'problem' | 'unknown';

/** What was found about a topic. The texts may hold what is from outside: they are to be made visible where they are printed. */
export interface Finding {
  /** A few words: "nft", "API access". */
  readonly topic: string;
  /** `warning`: it works, but costs or surprises; `problem`: Services are not, or would not be, served as they should. */
  readonly state: State;
  /** What there is, in one line. */
  readonly found: string;
  /** What to do, in one line; absent where there is nothing to do. */
  readonly remedy?: string;
}

/** All is as it should be. */
export function ok(topic: string, found: string): Finding {
  return { topic, state: 'ok', found };
}

/** It works, but somebody should look at it. */
export function warning(topic: string, found: string, remedy: string): Finding {
  return { topic, state: 'warning', found, remedy };
}

/** Services are not, or would not be, served as they should. */
export function problem(topic: string, found: string, remedy: string): Finding {
  return { topic, state: 'problem', found, remedy };
}

/** It could not be found out, and why. */
export function unknown(topic: string, found: string, remedy?: string): Finding {
  return { topic, state: 'unknown', found, ...(remedy !== undefined && { remedy }) };
}

/** How many findings are in a state. */
export function countOf(findings: readonly Finding[], state: State): number {
  return findings.filter((finding) => finding.state === state).length;
}
