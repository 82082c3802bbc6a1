import type { SetOrMap } from '../elements/set-or-map.ts';
import type { Program } from '../program/program.ts';
import { BY_ADDRESS, BY_NODE_PORT } from '../program/sets-and-maps.ts';

/** The sets and maps of a family whose sizes determine the cost of counting, and their sizes at the last change. */
interface Counting {
  readonly sets: readonly SetOrMap[];
  readonly dispatch: readonly SetOrMap[];
  counted: number;
  frontends: number;
}

/** A frontend is counted in at most this many sets. */
const SETS = 3;

/**
 * Whether connections are counted: as long as the elements that count are within a limit, for all families together. Beyond
 * it, nothing is counted until there are so few frontends that each could be counted in every set. So counting does not
 * switch on and off repeatedly.
 */
export class CountingBudget {
  readonly most: number;
  readonly #families = new Map<Program, Counting>();
  readonly #listeners = new Set<(isOn: boolean) => void>();
  #isOn = true;

  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most;
  }

  /** Calls back when that changes. Earlier plans have to be made again. */
  tell(listener: (isOn: boolean) => void): void {
    this.#listeners.add(listener);
  }

  /** False if connections would be counted, but there is not enough memory. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** The frontends of all families, after their last change. */
  get frontends(): number {
    let sum = 0;
    for (const { frontends } of this.#families.values()) sum += frontends;
    return sum;
  }

  /** Whether the frontends of a family are counted now, given its table. False if its program does not count. */
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

/** This is called for each frontend that changes, so it creates no objects. */
function sizeOf(setsAndMaps: readonly SetOrMap[], table: { countOf(setOrMap: SetOrMap): number }): number {
  let sum = 0;
  for (const setOrMap of setsAndMaps) sum += table.countOf(setOrMap);
  return sum;
}
