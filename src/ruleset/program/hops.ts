import type { Chain } from '../elements/chain.ts';
import { PROTOCOLS, type SetOrMap, type Target } from '../elements/set-or-map.ts';
import type { Statement } from '../elements/statement.ts';
import { AFFINITY_ENDPOINTS, AFFINITY_PICKS, AFFINITY_SETS } from './affinity.ts';
import { LIMIT_CHAINS, LIMIT_COUNTERS, LIMIT_SETS } from './limits.ts';
import { LATER_SETS, RANGE_CHECKS } from './node-port-ranges.ts';
import { PICK_CHAINS } from './pick-chain.ts';
import { BY_ADDRESS, BY_NODE_PORT, endpointsMap } from './sets-and-maps.ts';

/** The hop of each set, map and kind of object, by its name. */
export type Hops = ReadonlyMap<string, number>;

/**
 * The maximum number of deciding lookups between a packet's arrival and a set or map: 0 for what every packet looks up. A
 * packet does not see a transaction as a whole: it may look up a verdict before a commit, and what the verdict leads to
 * after it. So elements are deleted hop by hop: hop 0 at once, hop n at least n transactions later.
 *
 * The hops follow from the program: from each base chain through every chain that a rule or an element may lead to.
 * `chains`: the chains of the program, and those that are added with elements. A translation by a map counts like a verdict:
 * what postrouting looks up about translated connections comes after it.
 */
export function hopsOf(chains: readonly Chain[], setsAndMaps: readonly SetOrMap[]): Hops {
  const walk = new Walk(chains, setsAndMaps);
  const base = (hooks: readonly string[]) =>
    chains.filter(({ hook }) => hook !== undefined && hooks.includes(hook.hook));
  for (const chain of base(['prerouting', 'output'])) walk.chain(chain, 0);
  const translated = walk.lastTranslation;
  for (const chain of base(['input', 'forward', 'postrouting'])) walk.chain(chain, translated);
  // They lead to pick chains. Everything that such a chain looks up exists before anything leads to it.
  for (const { name } of [LATER_SETS, RANGE_CHECKS]) walk.hops.set(name, walk.hops.get(PICK_CHAINS.name) ?? 0);
  // Verdicts of dispatch, or of a client in the source ranges, lead there. It is deleted before what it leads to.
  walk.hops.set(LIMIT_CHAINS.name, 2);
  // Their chains are deleted before them.
  for (const { name } of [LIMIT_SETS, LIMIT_COUNTERS]) walk.hops.set(name, translated);
  return walk.hops;
}

class Walk {
  readonly hops = new Map<string, number>();
  /** The hop of lookups after the latest translation. */
  lastTranslation = 0;
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #setsAndMaps: ReadonlyMap<string, SetOrMap>;

  constructor(chains: readonly Chain[], setsAndMaps: readonly SetOrMap[]) {
    this.#chains = new Map(chains.map((chain) => [chain.name, chain]));
    this.#setsAndMaps = new Map(setsAndMaps.map((setOrMap) => [setOrMap.name, setOrMap]));
  }

  chain({ rules }: Chain, hop: number): void {
    for (const statement of rules.flat()) this.#statement(statement, hop);
  }

  #statement(statement: Statement, hop: number): void {
    if ('match' in statement) {
      const { right } = statement.match;
      if (typeof right === 'string' && right.startsWith('@')) this.#lookedUp(right.slice(1), hop);
    } else if ('vmap' in statement) {
      const name = statement.vmap.data.slice(1);
      this.#lookedUp(name, hop);
      for (const target of this.#setsAndMaps.get(name)?.targets ?? []) this.#target(target, hop + 1);
    } else if ('jump' in statement) this.#named(statement.jump.target, hop);
    else if ('goto' in statement) this.#named(statement.goto.target, hop);
  }

  #target(target: Target, hop: number): void {
    if (target === 'affinity chains') {
      this.#lookedUp(AFFINITY_PICKS.name, hop);
      // A chain whose rules lead elsewhere counts like a verdict: it is flushed and filled in one transaction.
      for (const { name } of [AFFINITY_ENDPOINTS, AFFINITY_SETS]) this.#lookedUp(name, hop + 1);
      this.#translates(hop + 2);
    } else if ('chain' in target) {
      this.#named(target.chain, hop);
    } else {
      this.#lookedUp(PICK_CHAINS.name, hop);
      for (const protocol of PROTOCOLS)
        this.#lookedUp(endpointsMap(ENDPOINTS_OF.get(target.picks) ?? '', protocol), hop);
      this.#translates(hop + 1);
    }
  }

  #named(name: string, hop: number): void {
    const chain = this.#chains.get(name);
    if (chain === undefined) throw new Error(`the program has no chain ${name}`);
    this.chain(chain, hop);
  }

  #lookedUp(name: string, hop: number): void {
    this.hops.set(name, Math.max(hop, this.hops.get(name) ?? 0));
  }

  #translates(hop: number): void {
    this.lastTranslation = Math.max(hop, this.lastTranslation);
  }
}

/** Prefix of pick chains → prefix of the endpoint maps they draw from. */
const ENDPOINTS_OF: ReadonlyMap<string, string> = new Map(
  [BY_ADDRESS, BY_NODE_PORT].flatMap(({ pick, endpoints, localPick, localEndpoints }) => [
    [pick, endpoints],
    [localPick, localEndpoints],
  ]),
);
