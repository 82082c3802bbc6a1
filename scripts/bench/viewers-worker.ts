/** On a node: who looks at the daemon all the time. What these cost themselves is in nobody's figures. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './worker-calls.ts';

const DAEMON = 'http://127.0.0.1:10249';

/** Milliseconds between two requests: as the page in a browser sends them; a scraper usually sends one in 15 or 30 s. */
const STATE_EVERY = 2000;
const NUMBERS_EVERY = 5000;
const SCRAPED_EVERY = 5000;

let looking: AbortController | undefined;
/** What an answer that was none said. */
let failure: string | undefined;

const handlers = {
  /** An open page and a scraper, until `end`. */
  async begin(): Promise<void> {
    const controller = new AbortController();
    looking = controller;
    failure = undefined;
    // As the page does: the state and what changed since; then rates and the last hour.
    let sequence: number | undefined;
    every(STATE_EVERY, controller.signal, async () => {
      const state: { sequence: number } = JSON.parse(await get('/page/state'));
      if (state.sequence !== sequence)
        await get(`/page/services?${sequence === undefined ? 'from=0' : `since=${sequence}`}`);
      sequence = state.sequence;
    });
    every(NUMBERS_EVERY, controller.signal, async () => {
      await get('/page/rates');
      await get('/page/history');
    });
    every(SCRAPED_EVERY, controller.signal, async () => void (await get('/metrics')));
  },

  /** Throws if a request was not answered. */
  async end(): Promise<void> {
    looking?.abort();
    if (failure !== undefined) throw new Error(failure);
  },
};

export type ViewersHandlers = typeof handlers;

function every(milliseconds: number, signal: AbortSignal, look: () => Promise<void>): void {
  const go = async () => {
    while (!signal.aborted) {
      await look();
      await sleep(milliseconds, undefined, { signal });
    }
  };
  go().catch((error: unknown) => {
    if (!signal.aborted) failure = String(error);
  });
}

async function get(path: string): Promise<string> {
  const answer = await fetch(`${DAEMON}${path}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return text;
}

serve(handlers);
