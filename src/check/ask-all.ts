import { messageOf } from '../errors.ts';
import { type Finding, unknown } from './finding.ts';

/** Something to find out about a node. Nothing is changed by it. */
export interface Question {
  /** Of the finding that is made where there is no answer. */
  readonly topic: string;
  /** Seconds. */
  readonly limit: number;
  /** `signal` is aborted when time is up. */
  readonly ask: (signal: AbortSignal) => Promise<readonly Finding[]> | readonly Finding[];
}

/** What came of some questions. */
export interface Answers {
  /** In the order of the questions. */
  readonly findings: readonly Finding[];
  /** True if something that was asked is still at work. */
  readonly isLate: boolean;
}

/**
 * Asks all questions at the same time. What fails or has no answer within its limit is a finding, too: `unknown`, and why.
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
