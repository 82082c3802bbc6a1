import { type ChainDifference, compareChain } from '../audit/chain-differences.ts';
import { chainDrift, type Drift, foreignChainDrift, foreignTableDrift } from '../audit/drift.ts';
import { deleteChainCommands, rewriteCommands } from '../nft/json/program-json.ts';
import type { Nft } from '../nft/nft.ts';
import { handlesIn, type RulesLister, type RulesListing, tableIn, tablesIn } from '../nft/rules-lister.ts';
import { deleteTableCommand, type TableName } from '../nft/tables.ts';
import type { Chain, ListedChain } from '../ruleset/elements/chain.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import { CHAIN_OBJECTS, chainKindOf } from '../ruleset/program/objects.ts';
import type { Program } from '../ruleset/program/program.ts';
import type { Steps } from '../service/steps.ts';
import { rulesCost } from './audit-budget.ts';
import type { Clock } from './clock.ts';
import type { Commits } from './commits.ts';
import type { Recording } from './flights.ts';
import { inSlices } from './slices.ts';

/** How many chains are compared at a time. */
const STEP = 20;

/** Milliseconds after which our own commits are held back for a listing, and for how long at most. */
const PATIENCE = 500;
const HOLD = 2_000;

/** A difference in our rules, and the commands that repair it. */
export interface RuleFinding {
  readonly drift: Drift;
  /** If two looks give the same text, it is the same finding. */
  readonly seen: string;
  readonly commands: readonly string[];
  /** False once our own transactions have changed the same thing. */
  isValid(recording: Recording): boolean;
}

/** How the rules in the kernel differ in two consecutive looks, and what the looks cost. */
export interface RulesAudit {
  readonly findings: readonly RuleFinding[];
  /** Milliseconds of CPU time. */
  readonly cost: number;
  /** When the last look began. */
  readonly began: number;
  /** The chains that were correct in the last look → the handles of their rules. Computed when called. */
  readonly handles: () => ReadonlyMap<string, readonly number[]>;
}

export interface RulesAuditorOptions {
  readonly nft: Nft;
  readonly program: Program;
  /** Both are shared by the families. */
  readonly lister: RulesLister;
  readonly commits: Commits;
  readonly clock: Pick<Clock, 'now' | 'after'>;
}

/** Compares the rules of a table in the kernel with the model. */
export class RulesAuditor {
  readonly #options: RulesAuditorOptions;
  readonly #program: Program;
  /** Chain → its text when it was correct. Nearly always the next listing has the same. */
  readonly #right = new Map<string, { readonly chain: Chain; readonly printed: string }>();

  constructor(options: RulesAuditorOptions) {
    this.#options = options;
    this.#program = options.program;
  }

  /**
   * Looks twice if something differs: what the second look does not find was a change in progress. `recording`: our own
   * transactions since before. `notBefore`: the earliest start of a listing that may serve as the first look.
   * @throws NftError, also if the table does not exist
   */
  async audit(table: TableName, ruleset: Ruleset, recording: Recording, notBefore: number): Promise<RulesAudit> {
    const first = await this.#look(table, ruleset, notBefore);
    if (first.findings.length === 0) return first;
    const second = await this.#look(table, ruleset, this.#options.clock.now());
    const seen = new Set(first.findings.map((finding) => finding.seen));
    const sure = second.findings.filter((finding) => seen.has(finding.seen) && finding.isValid(recording));
    return { ...second, findings: sure, cost: first.cost + second.cost };
  }

  async #look(table: TableName, ruleset: Ruleset, notBefore: number): Promise<RulesAudit> {
    const { program } = this.#options;
    const listing = await this.#list(notBefore);
    const right: string[] = [];
    const chains = await inSlices(this.#compare(table, tableIn(listing, program, table).chains, ruleset, right));
    const others = tablesIn(listing, program.family).filter((name) => name !== table);
    const tables = others.map(
      (name): RuleFinding => ({
        drift: foreignTableDrift(name),
        seen: name,
        commands: [deleteTableCommand(program.family, name)],
        isValid: () => true,
      }),
    );
    return {
      findings: [...tables, ...chains],
      cost: rulesCost(listing.size),
      began: listing.began,
      handles: () => {
        const handles = handlesIn(listing, program.family, table);
        return new Map(right.map((chain) => [chain, handles.get(chain) ?? []]));
      },
    };
  }

  /** nft restarts a listing at each commit. After a while our own commits wait, so that it can finish. */
  async #list(notBefore: number): Promise<RulesListing> {
    const { nft, lister, commits, clock } = this.#options;
    let isOver = false;
    let release = () => {};
    const cancel = clock.after(PATIENCE, async () => {
      release = await commits.hold(HOLD);
      if (isOver) release();
    });
    try {
      return await lister.list(nft, clock.now(), notBefore);
    } finally {
      isOver = true;
      cancel();
      release();
    }
  }

  /** `right`: receives the names of the correct chains. */
  *#compare(
    table: TableName,
    listed: ReadonlyMap<string, ListedChain>,
    ruleset: Ruleset,
    right: string[],
  ): Steps<readonly RuleFinding[]> {
    const findings: RuleFinding[] = [];
    const known = new Set([this.#program.marker]);
    let count = 0;
    for (const chain of this.#chains(ruleset)) {
      known.add(chain.name);
      const difference = this.#differenceOf(chain, listed.get(chain.name));
      if (difference === undefined) right.push(chain.name);
      else findings.push(this.#finding(table, chain, difference));
      if (++count % STEP === 0) yield;
    }
    if (!listed.has(this.#program.marker)) findings.push(this.#markerFinding(table));
    for (const [name, { hook }] of listed) {
      // A chain of others that the kernel does not call is harmless.
      if (hook !== '' && !known.has(name)) findings.push(this.#foreignFinding(table, name, hook));
    }
    return findings;
  }

  /** The chains of the program, and those that the kernel has for Services, without those that are just being changed. */
  *#chains(ruleset: Ruleset): Iterable<Chain> {
    yield* this.#program.chains;
    for (const setOrMap of CHAIN_OBJECTS) {
      const view = ruleset.inKernel(setOrMap);
      for (const { key, chain, refused } of ruleset.elementsOf(setOrMap)) {
        if (chain !== undefined && !view.isChanging(key) && !refused) yield chain;
      }
    }
  }

  #differenceOf(chain: Chain, listed: ListedChain | undefined): ChainDifference | undefined {
    const printed = listed && [listed.hook, ...listed.rules].join('\n');
    const right = this.#right.get(chain.name);
    if (right !== undefined && right.chain === chain && right.printed === printed) return undefined;
    const difference = compareChain(chain, listed);
    if (difference !== undefined || printed === undefined) this.#right.delete(chain.name);
    else this.#right.set(chain.name, { chain, printed });
    return difference;
  }

  #finding(table: TableName, chain: Chain, difference: ChainDifference): RuleFinding {
    const setOrMap = chainKindOf(chain.name);
    return {
      drift: chainDrift(difference, this.#program),
      // Without what others added: the text of a rule with a counter differs in each look.
      seen: JSON.stringify({ ...difference, foreign: undefined }),
      commands: rewriteCommands(this.#program.family, table, [{ chain, isMoved: difference.what === 'hook' }]),
      isValid: (recording) => setOrMap === undefined || !recording.touches(setOrMap, chain.name),
    };
  }

  /** The marker has no rules. The next start recognises the table by it. */
  #markerFinding(table: TableName): RuleFinding {
    const chain: Chain = { name: this.#program.marker, rules: [] };
    return this.#finding(table, chain, { chain: chain.name, what: 'chain', action: 'deleted' });
  }

  #foreignFinding(table: TableName, name: string, hook: string): RuleFinding {
    return {
      drift: foreignChainDrift(name, hook),
      seen: `${name} ${hook}`,
      commands: deleteChainCommands(this.#program.family, table, name),
      isValid: () => true,
    };
  }
}
