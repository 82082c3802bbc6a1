import { messageOf } from '../errors.ts';
import { type Finding, unknown } from './finding.ts';

/** A check of the node. It changes nothing. */
export interface Question {
  /** The topic of the finding if there is no answer. */
  readonly topic: string;
  /** Seconds. */
  readonly limit: number;
  /** `signal` is aborted when the limit is reached. */
  readonly ask: (signal: AbortSignal) => Promise<readonly Finding[]> | readonly Finding[];
}

/** The results of some checks. */
export interface Answers {
  /** In the order of the checks. */
  readonly findings: readonly Finding[];
  /** True if a check is still running. */
  readonly isLate: boolean;
}

/**
 * Runs all checks at the same time. A check that fails or exceeds its limit is also a finding: `unknown`, with the reason.
 * Never rejects, and takes no longer than the longest limit.
 */
export async function askAll(questions: readonly Question[]): Promise<Answers> {
  let isLate = false;
  const answers = await Promise.all(
    questions.map(async ({ topic, limit, ask }) => {
      const stop = new AbortController();
      const { promise: late, resolve } = Promise.withResolvers<readonly Finding[]>();
      const timer = setTimeout(() => {
        isLate = true;
        resolve([unknown(topic, `there was no answer within ${limit} s`)]);
        stop.abort();
      }, limit * 1000);
      try {
        return await Promise.race([late, (async () => ask(stop.signal))()]);
      } catch (error) {
        return [unknown(topic, messageOf(error))];
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  return { findings: answers.flat(), isLate };
}
