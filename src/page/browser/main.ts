import type { PageHistory, PageRates, PageState } from '../shapes.ts';
import { byId, setText } from './dom.ts';
import { showEvents } from './events-view.ts';
import { Plots } from './plots.ts';
import { get, repeat } from './requests.ts';
import { ServiceDetails } from './service-details.ts';
import { ServiceList } from './service-list.ts';
import { ServiceStore } from './service-store.ts';
import { showSilence, showState } from './state-view.ts';
import { TraceBox } from './trace-view.ts';

/** Milliseconds. */
const STATE_EVERY = 2000;
const NUMBERS_EVERY = 5000;

let rates: ReadonlyMap<string, number> | undefined;
let lastAnswerAt: number | undefined;

const store = new ServiceStore(() => list.select());
const list = new ServiceList({
  store,
  rateOf: (key) => (rates === undefined ? undefined : (rates.get(key) ?? 0)),
  onChoose: (entry) => void details.open(entry),
});
const box = new TraceBox();
const details = new ServiceDetails(
  (key) => box.trace(key),
  () => byId('grid').focus(),
);
const plots = new Plots();

async function followState(): Promise<void> {
  try {
    const state = await get<PageState>('state');
    const isNews = state.sequence !== lastSequence;
    lastAnswerAt = Date.now();
    lastSequence = state.sequence;
    showState(state, store.isComplete ? store.problems : undefined);
    showEvents(state);
    await store.follow(state.sequence, state.services);
    if (isNews) await details.refresh();
  } catch (error) {
    showSilence(error instanceof Error ? error.message : String(error), lastAnswerAt);
  }
}

let lastSequence: number | undefined;

async function followRates(): Promise<void> {
  try {
    const { counted, why = '', services } = await get<PageRates>('rates');
    rates = counted
      ? new Map(services.map(([key, ...each]) => [key, each.reduce((sum, one) => sum + one, 0)]))
      : undefined;
    byId('not-counted').hidden = counted;
    byId('plot-connections').hidden = !counted;
    byId('plot-connections-says').hidden = !counted;
    setText(byId('not-counted'), why);
    list.rated(counted);
  } catch {
    // The state view shows that there is no answer.
  }
}

async function followHistory(): Promise<void> {
  try {
    plots.show(await get<PageHistory>('history'));
  } catch {
    // The same here.
  }
}

document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId('search').focus();
});

repeat(STATE_EVERY, followState);
repeat(NUMBERS_EVERY, async () => {
  await followRates();
  await followHistory();
});
