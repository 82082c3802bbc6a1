import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProxyError } from '../errors.ts';
import { readerLeft } from './print.ts';

/** Milliseconds from an answer to the next question at least. */
const PAUSE = 1000;

/** How many times as long as its answer took a question is waited with: a watch takes a twentieth of one CPU at most. */
const REST = 19;

/** An answer of the daemon, or why there is none: it is away, or does not answer. */
export type Again<Answer> = { readonly answer: Answer } | { readonly lost: string };

/**
 * Asks a daemon again and again, every second or, where its answers are long work, so seldom that they take a twentieth of
 * one CPU. Comes to an end when nobody reads what is printed any more. A daemon that goes is waited for.
 * @throws ProxyError what the first question throws
 */
export async function* requestAgain<Answer>(ask: () => Promise<Answer>): AsyncGenerator<Again<Answer>> {
  for (let isFirst = true; ; isFirst = false) {
    const began = performance.now();
    let told: Again<Answer>;
    try {
      told = { answer: await ask() };
    } catch (error) {
      if (isFirst || !(error instanceof ProxyError)) throw error;
      told = { lost: error.message };
    }
    const took = performance.now() - began;
    yield told;
    try {
      await sleep(Math.max(PAUSE, REST * took), undefined, { signal: readerLeft });
    } catch {
      // Only its signal ends a sleep.
      return;
    }
  }
}
