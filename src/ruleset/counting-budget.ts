import { BY_ADDRESS, BY_NODE_PORT, type Container } from './container.ts';
import type { Program } from './program.ts';

/** Sets and maps of one family, as far as their sizes say what counting takes. */
interface Sizes {
  readonly counted: number;
  readonly frontends: number;
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
  readonly #sizes = new Map<Program, Sizes>();
  readonly #containers = new Map<
    Program,
    { readonly counting: readonly Container[]; readonly frontends: readonly Container[] }
  >();
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
    return [...this.#sizes.values()].reduce((sum, { frontends }) => sum + frontends, 0);
  }

  /** Whether the frontends of a family are counted now, by what its table has. False where its program does not count. */
  allows(table: { readonly program: Program; countOf(container: Container): number }): boolean {
    const { program } = table;
    const { counting, frontends } = this.#containersOf(program);
    if (counting.length === 0) return false;
    const sizeOf = (containers: readonly Container[]) => containers.reduce((sum, own) => sum + table.countOf(own), 0);
    this.#sizes.set(program, { counted: sizeOf(counting), frontends: sizeOf(frontends) });
    const counted = [...this.#sizes.values()].reduce((sum, sizes) => sum + sizes.counted, 0);
    const isOn = this.#isOn ? counted < this.most : this.frontends * SETS <= this.most;
    if (isOn !== this.#isOn) {
      this.#isOn = isOn;
      for (const listener of this.#listeners) listener(isOn);
    }
    return isOn;
  }

  #containersOf(program: Program) {
    const known = this.#containers.get(program);
    if (known !== undefined) return known;
    const { containers } = program;
    const sorted = {
      counting: containers.filter(({ counts }) => counts),
      frontends: containers.filter(({ name }) => name === BY_ADDRESS.dispatch || name === BY_NODE_PORT.dispatch),
    };
    this.#containers.set(program, sorted);
    return sorted;
  }
}
