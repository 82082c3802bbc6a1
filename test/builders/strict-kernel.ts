import type { Transaction } from '../../src/ruleset/transaction.ts';

/** What the kernel would hold: "container key" → "value # comment". Refuses what nft refuses. */
export class StrictKernel {
  readonly elements = new Map<string, string>();

  /** Throws, as nft fails, where a missing element is deleted or one is added that is there. */
  apply({ deletes, adds }: Transaction): void {
    for (const { container, key } of deletes) {
      const id = `${container.name} ${key}`;
      if (!this.elements.delete(id)) throw new Error(`ENOENT: ${id} is deleted and not there`);
    }
    for (const { container, key, value, comment } of adds) {
      const id = `${container.name} ${key}`;
      if (this.elements.has(id)) throw new Error(`EEXIST: ${id} is added and is there already`);
      this.elements.set(id, `${value} # ${comment}`);
    }
  }
}

/** A transaction as lines a person can read, sorted: "- services 10.96.0.10 . tcp . 80", "+ … : goto pick-tcp-1". */
export function describeTransaction({ deletes, adds }: Transaction): readonly string[] {
  return [
    ...deletes.map(({ container, key }) => `- ${container.name} ${key}`).sort(),
    ...adds.map(({ container, key, value }) => `+ ${container.name} ${key}${value === '' ? '' : ` : ${value}`}`).sort(),
  ];
}
