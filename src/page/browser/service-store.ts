import { type ChangedLines, SERVICE_FATES, type ServiceLine, type ServiceLines } from '../shapes.ts';
import { get } from './requests.ts';

/** A Service of the list. */
export interface Entry {
  readonly key: string;
  readonly line: ServiceLine;
  /** The text to search, in lower case. */
  readonly text: string;
}

/** What the list is ordered by. */
export type Order = 'name' | 'endpoints' | 'rate' | 'state';

/** New connections per second: served, refused, dropped. */
export type RateOf = (key: string) => number;

/** Milliseconds until a list with a wrong number of Services is requested again. */
const RELOAD_AFTER = 30_000;

/** All Services as last received from the daemon: first page by page, and then only those that change. */
export class ServiceStore {
  readonly #entries = new Map<string, Entry>();
  readonly #onChange: () => void;
  #sequence: number | undefined;
  #isLoading = false;
  #loadedAt = Number.NEGATIVE_INFINITY;

  /** `onChange`: called when the list has changed. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** True once all Services were received. */
  get isComplete(): boolean {
    return this.#sequence !== undefined;
  }

  get isLoading(): boolean {
    return this.#isLoading;
  }

  /** Services with a problem: those before "none" in SERVICE_FATES. */
  get problems(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (isProblem(entry)) count++;
    return count;
  }

  /** Updates the list according to a state: how many Services there are, and whether some have changed. */
  async follow(sequence: number, services: number): Promise<void> {
    if (this.#isLoading) return;
    const isOff = this.size !== services && performance.now() - this.#loadedAt > RELOAD_AFTER;
    if (this.#sequence === undefined || isOff) return this.#load();
    if (this.#sequence === sequence) return;
    const changed = await get<ChangedLines>('services', { since: `${this.#sequence}` });
    if (changed.isTooOld) return this.#load();
    this.#sequence = changed.sequence;
    for (const key of changed.gone) this.#entries.delete(key);
    this.#take(changed.lines);
    this.#onChange();
  }

  /** The Services that contain all the words, in order. */
  select(search: string, onlyProblems: boolean, order: Order, rateOf: RateOf): readonly Entry[] {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const found: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (onlyProblems && !isProblem(entry)) continue;
      if (words.every((word) => entry.text.includes(word))) found.push(entry);
    }
    return found.sort(COMPARE[order](rateOf));
  }

  async #load(): Promise<void> {
    this.#isLoading = true;
    try {
      const seen = new Set<string>();
      let from: number | undefined = 0;
      let sequence: number | undefined;
      while (from !== undefined) {
        const page: ServiceLines = await get<ServiceLines>('services', { from: `${from}` });
        // What changes while other pages arrive is requested again.
        sequence ??= page.sequence;
        for (const entry of this.#take(page.lines)) seen.add(entry.key);
        from = page.next;
        this.#onChange();
      }
      for (const key of this.#entries.keys()) if (!seen.has(key)) this.#entries.delete(key);
      this.#sequence = sequence;
    } finally {
      this.#isLoading = false;
      this.#loadedAt = performance.now();
      this.#onChange();
    }
  }

  #take(lines: readonly ServiceLine[]): readonly Entry[] {
    return lines.map((line) => {
      const [namespace, name, type, addresses, ports, , , , text] = line;
      const key = `${namespace}/${name}`;
      const entry = { key, line, text: `${key} ${type} ${addresses} ${ports} ${text}`.toLowerCase() };
      this.#entries.set(key, entry);
      return entry;
    });
  }
}

/** True for a Service with connections that are not served. */
function isProblem({ line }: Entry): boolean {
  return line[7] < SERVICE_FATES.indexOf('none');
}

const byName = (a: Entry, b: Entry) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

const COMPARE: Readonly<Record<Order, (rateOf: RateOf) => (a: Entry, b: Entry) => number>> = {
  name: () => byName,
  endpoints: () => (a, b) => b.line[5] - a.line[5] || byName(a, b),
  rate: (rateOf) => (a, b) => rateOf(b.key) - rateOf(a.key) || byName(a, b),
  state: () => (a, b) => a.line[7] - b.line[7] || byName(a, b),
};
