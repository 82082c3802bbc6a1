import type { SetOrMap } from '../elements/set-or-map.ts';
import type { Program } from '../program/program.ts';
import { BY_ADDRESS, BY_NODE_PORT } from '../program/sets-and-maps.ts';

/** The sets and maps of one family whose sizes say what counting takes, and these sizes as of the last change. */
interface Counting {
  readonly sets: readonly SetOrMap[];
  readonly dispatch: readonly SetOrMap[];
  counted: number;
  frontends: number;
}

/** Sets that a frontend may be counted in at most. */
const SETS = 3;

/**
 * Whether connections are counted: as long as what counts them is not more than so many elements, those of all families
 * together. Beyond that nothing is counted, until there are so few frontends that each of them could be counted in every set
 * and still fit: so it does not go back and forth.
 */
export class CountingBudget {
  readonly most: number;
  readonly #families = new Map<Program, Counting>();
  readonly #listeners = new Set<(isOn: boolean) => void>();
  #isOn = true;

  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most;
  }

  /** Has it told when that changes; what was planned before is to be planned anew. */
  tell(listener: (isOn: boolean) => void): void {
    this.#listeners.add(listener);
  }

  /** False where connections would be counted, but for the memory that takes. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** The frontends of all families, as of their last change. */
  get frontends(): number {
    let sum = 0;
    for (const { frontends } of this.#families.values()) sum += frontends;
    return sum;
  }

  /** Whether the frontends of a family are counted now, by what its table has. False where its program does not count. */
  allows(table: { readonly program: Program; countOf(setOrMap: SetOrMap): number }): boolean {
    const family = this.#familyOf(table.program);
    if (family.sets.length === 0) return false;
    family.counted = sizeOf(family.sets, table);
    family.frontends = sizeOf(family.dispatch, table);
    const isOn = this.#isOn ? this.#counted < this.most : this.frontends * SETS <= this.most;
    if (isOn !== this.#isOn) {
      this.#isOn = isOn;
      for (const listener of this.#listeners) listener(isOn);
    }
    return isOn;
  }

  get #counted(): number {
    let sum = 0;
    for (const { counted } of this.#families.values()) sum += counted;
    return sum;
  }

  #familyOf(program: Program): Counting {
    const known = this.#families.get(program);
    if (known !== undefined) return known;
    const { setsAndMaps } = program;
    const family: Counting = {
      sets: setsAndMaps.filter(({ counts }) => counts),
      dispatch: setsAndMaps.filter(({ name }) => name === BY_ADDRESS.dispatch || name === BY_NODE_PORT.dispatch),
      counted: 0,
      frontends: 0,
    };
    this.#families.set(program, family);
    return family;
  }
}

/** This is asked for each frontend that changes: nothing is made on the way. */
function sizeOf(setsAndMaps: readonly SetOrMap[], table: { countOf(setOrMap: SetOrMap): number }): number {
  let sum = 0;
  for (const setOrMap of setsAndMaps) sum += table.countOf(setOrMap);
  return sum;
}
