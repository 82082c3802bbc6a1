/** Random draws that a seed repeats. */
export class Draws {
  #state: number;

  /** The same numbers give the same draws. */
  constructor(...seeds: readonly number[]) {
    this.#state = 0x9e3779b9;
    // Mixed well, so that neighbouring numbers have nothing in common.
    for (const seed of seeds) this.#state = Math.floor(this.#next() * 4294967296) ^ Math.imul(seed + 1, 0x85ebca6b);
  }

  /** A whole number from 0 to below `n`. */
  below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One of a list, which must not be empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    // There is something at this index; it may be undefined itself.
    return list[this.below(list.length)] as T;
  }

  /** Some of a list, in its order, each with the chance of one in `n`. */
  some<T>(list: readonly T[], n = 2): readonly T[] {
    return list.filter(() => this.oneIn(n));
  }

  /** `count` of a list, or all, in any order. */
  sample<T>(list: readonly T[], count: number): readonly T[] {
    const rest = [...list];
    const drawn: T[] = [];
    while (rest.length > 0 && drawn.length < count) drawn.push(...rest.splice(this.below(rest.length), 1));
    return drawn;
  }

  /** Mulberry32: 0 to below 1. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}
