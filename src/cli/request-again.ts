import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProxyError } from '../errors.ts';
import { readerLeft } from './print.ts';

/** The minimum time from an answer to the next request, in milliseconds. */
const PAUSE = 1000;

/** The pause after an answer, as a multiple of the time it took, so that a watch takes at most a twentieth of one CPU. */
const REST = 19;

/** An answer of the daemon, or why there is none. */
export type Again<Answer> = { readonly answer: Answer } | { readonly lost: string };

/**
 * Sends requests to a daemon: once a second or, if its answers are expensive, so seldom that they take a twentieth of one
 * CPU. Ends when the reader of stdout closes it. If the daemon ends, it waits for the next one.
 * @throws ProxyError what the first request throws
 */
export async function* requestAgain<Answer>(send: () => Promise<Answer>): AsyncGenerator<Again<Answer>> {
  for (let isFirst = true; ; isFirst = false) {
    const began = performance.now();
    let told: Again<Answer>;
    try {
      told = { answer: await send() };
    } catch (error) {
      if (isFirst || !(error instanceof ProxyError)) throw error;
      told = { lost: error.message };
    }
    const took = performance.now() - began;
    yield told;
    try {
      await sleep(Math.max(PAUSE, REST * took), undefined, { signal: readerLeft });
    } catch {
      // The sleep rejects only because of its signal.
      return;
    }
  }
}
