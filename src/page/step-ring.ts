import type { PageHistory } from './shapes.ts';

/** Milliseconds of a step, and how many steps are kept: an hour. */
const STEP = 10_000;
const STEPS = 360;

/** Connections a second, by what became of them. */
export interface Rates {
  readonly served: number;
  readonly refused: number;
  readonly dropped: number;
}

/** Numbers of the last hour in steps of ten seconds: 9 kB, however much happens. `elapsed`: milliseconds of a steady clock. */
export class StepRing {
  readonly #elapsed: () => number;
  /** Which step is the newest one, counted from the clock's beginning. */
  #newest: number;
  readonly #changes = new Float32Array(STEPS);
  readonly #sum = new Float32Array(STEPS);
  readonly #longest = new Float32Array(STEPS);
  /** NaN: nobody looked. */
  readonly #served = new Float32Array(STEPS).fill(Number.NaN);
  readonly #refused = new Float32Array(STEPS).fill(Number.NaN);
  readonly #dropped = new Float32Array(STEPS).fill(Number.NaN);

  constructor(elapsed: () => number = () => performance.now()) {
    this.#elapsed = elapsed;
    this.#newest = Math.floor(elapsed() / STEP);
  }

  /** A change came into force, and took so many milliseconds. */
  changed(milliseconds: number): void {
    const place = this.#place();
    this.#changes[place] = (this.#changes[place] ?? 0) + 1;
    this.#sum[place] = (this.#sum[place] ?? 0) + milliseconds;
    this.#longest[place] = Math.max(this.#longest[place] ?? 0, milliseconds);
  }

  /** What the kernel's counters say now. */
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

  /** The place of the step that it is now; those that have passed since are empty. */
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
