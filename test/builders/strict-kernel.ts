import { type Cidr, isInCidr, parseCidr } from '../../src/ip.ts';
import type { Element } from '../../src/ruleset/elements/element.ts';
import type { Ruleset } from '../../src/ruleset/model/ruleset.ts';
import type { Transaction } from '../../src/ruleset/model/transaction.ts';
import { PICK_CHAINS } from '../../src/ruleset/program/pick-chain.ts';
import { elementsOf } from './models.ts';

/** What the kernel would hold: "set or map key" → "value # comment". Refuses what nft refuses. */
export class StrictKernel {
  readonly elements: Map<string, string>;

  constructor(found: Iterable<Element> = []) {
    this.elements = byId(found);
  }

  /** Throws, as nft fails, where a missing element is deleted or one is added that is there. */
  apply({ deletes, adds }: Transaction): void {
    for (const { setOrMap, key } of deletes) {
      const id = `${setOrMap.name} ${key}`;
      if (!this.elements.delete(id)) throw new Error(`ENOENT: ${id} is deleted and not there`);
    }
    for (const { setOrMap, key, value, comment } of adds) {
      const id = `${setOrMap.name} ${key}`;
      if (this.elements.has(id)) throw new Error(`EEXIST: ${id} is added and is there already`);
      if (setOrMap.interval) this.#refuseOverlap(setOrMap.name, key);
      this.elements.set(id, `${value} # ${comment}`);
    }
  }

  #refuseOverlap(setOrMap: string, key: string): void {
    const [prefix, range] = splitRange(`${setOrMap} ${key}`);
    for (const id of this.elements.keys()) {
      const [otherPrefix, other] = splitRange(id);
      if (prefix !== otherPrefix || range === undefined || other === undefined) continue;
      const overlap = isInCidr(range.address, other) || isInCidr(other.address, range);
      if (overlap) throw new Error(`EEXIST: ${setOrMap} ${key} overlaps ${id}`);
    }
  }
}

/** All that a ruleset holds, as a StrictKernel has it. */
export function heldBy(ruleset: Ruleset): Map<string, string> {
  return byId(elementsOf(ruleset));
}

function byId(elements: Iterable<Element>): Map<string, string> {
  return new Map(
    [...elements].map(({ setOrMap, key, value, comment }) => [`${setOrMap.name} ${key}`, `${value} # ${comment}`]),
  );
}

/** "source-ranges 10.0.0.1 . tcp . 80 . 10.0.0.0/8": what is before the range, and the range. */
function splitRange(id: string): readonly [prefix: string, range: Cidr | undefined] {
  const end = id.lastIndexOf(' ');
  return [id.slice(0, end), parseCidr(id.slice(end + 1))];
}

/**
 * A transaction as lines a person can read, sorted: "- services 10.96.0.10 . tcp . 80", "+ … : goto pick-tcp-1". Without
 * pick chains, which come once and stay.
 */
export function describeTransaction({ deletes, adds }: Transaction): readonly string[] {
  const elements = adds.filter(({ setOrMap }) => setOrMap !== PICK_CHAINS);
  return [
    ...deletes.map(({ setOrMap, key }) => `- ${setOrMap.name} ${key}`).sort(),
    ...elements
      .map(({ setOrMap, key, value }) => `+ ${setOrMap.name} ${key}${value === '' ? '' : ` : ${value}`}`)
      .sort(),
  ];
}
