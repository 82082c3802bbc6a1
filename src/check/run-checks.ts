import { messageOf } from '../errors.ts';
import { type Finding, unknown } from './finding.ts';

/** A check of the node. It changes nothing. */
export interface Check {
  /** The topic of the finding if there is no answer. */
  readonly topic: string;
  /** Seconds. */
  readonly limit: number;
  /** `signal` is aborted when the limit is reached. */
  readonly run: (signal: AbortSignal) => Promise<readonly Finding[]> | readonly Finding[];
}

/** The results of some checks. */
export interface CheckResults {
  /** In the order of the checks. */
  readonly findings: readonly Finding[];
  /** True if a check is still running. */
  readonly isLate: boolean;
}

/**
 * Runs all checks at the same time. A check that fails or exceeds its limit is also a finding: `unknown`, with the reason.
 * Never rejects, and takes no longer than the longest limit.
 */
export async function runChecks(checks: readonly Check[]): Promise<CheckResults> {
  let isLate = false;
  const results = await Promise.all(
    checks.map(async ({ topic, limit, run }) => {
      const stop = new AbortController();
      const { promise: late, resolve } = Promise.withResolvers<readonly Finding[]>();
      const timer = setTimeout(() => {
        isLate = true;
        resolve([unknown(topic, `there was no answer within ${limit} s`)]);
        stop.abort();
      }, limit * 1000);
      try {
        return await Promise.race([late, (async () => run(stop.signal))()]);
      } catch (error) {
        return [unknown(topic, messageOf(error))];
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  return { findings: results.flat(), isLate };
}
