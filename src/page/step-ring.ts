import type { PageHistory } from './shapes.ts';

/** Milliseconds of a step, and how many steps are kept: an hour. */
const STEP = 10_000;
const STEPS = 360;

/** Connections per second, by result. */
export interface Rates {
  readonly served: number;
  readonly refused: number;
  readonly dropped: number;
}

/**
 * Numbers of the last hour in steps of ten seconds: 9 kB, however much happens. `elapsed`: milliseconds of a steady clock.
 */
export class StepRing {
  readonly #elapsed: () => number;
  /** The newest step, counted from the start of the clock. */
  #newest: number;
  readonly #changes = new Float32Array(STEPS);
  readonly #sum = new Float32Array(STEPS);
  readonly #longest = new Float32Array(STEPS);
  /** NaN: not read. */
  readonly #served = new Float32Array(STEPS).fill(Number.NaN);
  readonly #refused = new Float32Array(STEPS).fill(Number.NaN);
  readonly #dropped = new Float32Array(STEPS).fill(Number.NaN);

  constructor(elapsed: () => number = () => performance.now()) {
    this.#elapsed = elapsed;
    this.#newest = Math.floor(elapsed() / STEP);
  }

  /** A change came into force, and took this many milliseconds. */
  changed(milliseconds: number): void {
    const place = this.#place();
    this.#changes[place] = (this.#changes[place] ?? 0) + 1;
    this.#sum[place] = (this.#sum[place] ?? 0) + milliseconds;
    this.#longest[place] = Math.max(this.#longest[place] ?? 0, milliseconds);
  }

  /** The current values of the kernel's counters. */
  counted({ served, refused, dropped }: Rates): void {
    const place = this.#place();
    this.#served[place] = served;
    this.#refused[place] = refused;
    this.#dropped[place] = dropped;
  }

  /** All steps, the oldest first. `date`: the time of day, in milliseconds since 1970. */
  history(date: number): PageHistory {
    this.#place();
    const order = Array.from({ length: STEPS }, (_, i) => (this.#newest + 1 + i) % STEPS);
    const all = (values: Float32Array) => order.map((place) => rounded(values[place] ?? Number.NaN));
    const ofChanges = (value: (place: number) => number) =>
      order.map((place) => ((this.#changes[place] ?? 0) === 0 ? null : rounded(value(place))));
    return {
      at: Math.round(date - (this.#elapsed() % STEP)),
      step: STEP,
      changes: order.map((place) => this.#changes[place] ?? 0),
      mean: ofChanges((place) => (this.#sum[place] ?? 0) / (this.#changes[place] ?? 1)),
      longest: ofChanges((place) => this.#longest[place] ?? 0),
      served: all(this.#served),
      refused: all(this.#refused),
      dropped: all(this.#dropped),
    };
  }

  /** The index of the current step. Steps that have passed since the last call become empty. */
  #place(): number {
    const now = Math.floor(this.#elapsed() / STEP);
    for (let step = Math.max(this.#newest + 1, now - STEPS + 1); step <= now; step++) {
      const place = step % STEPS;
      for (const values of [this.#changes, this.#sum, this.#longest]) values[place] = 0;
      for (const values of [this.#served, this.#refused, this.#dropped]) values[place] = Number.NaN;
    }
    this.#newest = Math.max(now, this.#newest);
    return now % STEPS;
  }
}

function rounded(value: number): number | null {
  return Number.isNaN(value) ? null : Math.round(value * 100) / 100;
}
