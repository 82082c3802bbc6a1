import type { TableName } from '../nft/tables.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import { affinityKindOf } from '../ruleset/program/affinity.ts';
import type { Program } from '../ruleset/program/program.ts';

/**
 * How many rules of Services with session affinity are checked in one dry run, with a tolerance of one chain. Each costs nft
 * and the kernel 4 µs, and there may be 16,000.
 */
const AT_A_TIME = 250;

/** What a dry run tells the kernel to delete. */
export interface DryRun {
  /** In nft's own language. */
  readonly document: string;
  /** False once our own transactions may have replaced some of these rules. */
  isValid(): boolean;
}

/** The rules of a table as last listed. By their handles, a dry run checks whether they still exist. */
export class KnownRules {
  readonly #program: Program;
  /** Where they are. A table that is built again has another Ruleset, but may have the same name. */
  #of: { readonly table: TableName; readonly ruleset: Ruleset } | undefined;
  /** Chain → the handles of its rules: those that are checked every time, and those of Services with session affinity. */
  #always = new Map<string, readonly number[]>();
  #byTurns = new Map<string, readonly number[]>();
  /** Chains of the latter that are still to be checked in this round. */
  #waiting: string[] = [];
  /** Counts chains that are no longer known. */
  #forgotten = 0;

  constructor(program: Program) {
    this.#program = program;
  }

  /** How many dry runs it takes to check all rules. */
  get turns(): number {
    const rules = [...this.#byTurns.values()].reduce((sum, handles) => sum + handles.length, 0);
    return Math.max(1, Math.ceil(rules / AT_A_TIME));
  }

  /** Replaces what is known. `handles`: the handles of the rules of each chain. */
  learn(table: TableName, ruleset: Ruleset, handles: ReadonlyMap<string, readonly number[]>): void {
    const isByTurns = (chain: string) => affinityKindOf(chain) !== undefined;
    this.#of = { table, ruleset };
    this.#always = new Map([...handles].filter(([chain]) => !isByTurns(chain)));
    this.#byTurns = new Map([...handles].filter(([chain]) => isByTurns(chain)));
    this.#waiting = this.#waiting.filter((chain) => this.#byTurns.has(chain));
  }

  /** To be called when one of our transactions changes a chain. */
  forget(chain: string): void {
    if (this.#byTurns.delete(chain) || this.#always.delete(chain)) this.#forgotten++;
  }

  /** The next dry run; undefined if nothing is known of this table. */
  next(table: TableName, ruleset: Ruleset): DryRun | undefined {
    if (this.#of?.table !== table || this.#of.ruleset !== ruleset) {
      this.#of = undefined;
      return undefined;
    }
    const { family, marker } = this.#program;
    const forgotten = this.#forgotten;
    const lines = [...this.#always, ...this.#nextByTurns()].flatMap(([chain, handles]) =>
      handles.map((handle) => `delete rule ${family} ${table} ${chain} handle ${handle}\n`),
    );
    return {
      document: `${lines.join('')}delete chain ${family} ${table} ${marker}\n`,
      isValid: () => this.#forgotten === forgotten,
    };
  }

  *#nextByTurns(): Iterable<[string, readonly number[]]> {
    if (this.#waiting.length === 0) this.#waiting = [...this.#byTurns.keys()].reverse();
    for (let count = 0; count < AT_A_TIME; ) {
      const chain = this.#waiting.pop();
      if (chain === undefined) return;
      const handles = this.#byTurns.get(chain) ?? [];
      count += handles.length;
      yield [chain, handles];
    }
  }
}
