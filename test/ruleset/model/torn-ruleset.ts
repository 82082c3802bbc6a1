import type { Chain } from '../../../src/ruleset/elements/chain.ts';
import type { Element } from '../../../src/ruleset/elements/element.ts';
import type { SetOrMap } from '../../../src/ruleset/elements/set-or-map.ts';
import type { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import type { Transaction } from '../../../src/ruleset/model/transaction.ts';
import { type TracedRuleset, tracedRuleset } from '../../../src/trace/traced-ruleset.ts';

/** A ruleset as it is now, which later changes leave as it is. */
export function snapshot(ruleset: Ruleset): TracedRuleset {
  const { family, setsAndMaps, chains, elementsOf } = tracedRuleset(ruleset);
  const held = new Map(setsAndMaps.map((setOrMap) => [setOrMap.name, byKey(elementsOf(setOrMap))]));
  return traced({ family, setsAndMaps, chains: [...chains] }, held);
}

/** A ruleset as a transaction leaves it. */
export function changed(before: TracedRuleset, { deletes, adds }: Transaction): TracedRuleset {
  const held = new Map(before.setsAndMaps.map((setOrMap) => [setOrMap.name, byKey(before.elementsOf(setOrMap))]));
  const chains = new Map(before.chains.map((chain) => [chain.name, chain]));
  for (const { setOrMap, key } of deletes) if (!held.get(setOrMap.name)?.delete(key)) chains.delete(key);
  for (const element of adds) {
    if (element.chain !== undefined) chains.set(element.key, element.chain);
    else held.get(element.setOrMap.name)?.set(element.key, { ...element });
  }
  return traced({ ...before, chains: [...chains.values()] }, held);
}

type Held = ReadonlyMap<string, Map<string, Element>>;

function byKey(elements: Iterable<Element>): Map<string, Element> {
  return new Map([...elements].map((element) => [element.key, { ...element }]));
}

function traced(rest: Pick<TracedRuleset, 'family' | 'setsAndMaps' | 'chains'>, held: Held): TracedRuleset {
  return {
    ...rest,
    lookUp: (name, key) => held.get(name)?.get(key),
    elementsOf: ({ name }) => held.get(name)?.values() ?? [],
  };
}

/** What a packet sees that is on its way while a transaction is committed, and how often it looked. */
export interface TornRuleset extends TracedRuleset {
  readonly looked: number;
}

/**
 * The first `intact` lookups see the state before a commit, all others the one after it. Rules are those of before, as the
 * kernel has it for a packet that has entered a hook (its generation of rules is read once); chains that are new are empty.
 */
export function torn(before: TracedRuleset, after: TracedRuleset, intact: number): TornRuleset {
  const known = new Map(before.chains.map((chain) => [chain.name, chain]));
  const emptied = (chain: Chain): Chain => ({ ...chain, rules: [] });
  const added = after.chains.filter(({ name }) => !known.has(name)).map(emptied);
  let looked = 0;
  const state = () => (looked++ < intact ? before : after);
  return {
    family: before.family,
    setsAndMaps: before.setsAndMaps,
    chains: [...before.chains, ...added],
    lookUp: (setOrMap: string, key: string): Element | undefined => state().lookUp(setOrMap, key),
    elementsOf: (setOrMap: SetOrMap): Iterable<Element> => state().elementsOf(setOrMap),
    get looked() {
      return looked;
    },
  };
}

/** Whether a packet that looks where `trace` does may see anything of a change. */
export function isConcerned(
  before: TracedRuleset,
  after: TracedRuleset,
  trace: (ruleset: TracedRuleset) => void,
): boolean {
  const rules = new Map(after.chains.map((chain) => [chain.name, chain.signature]));
  if (before.chains.some(({ name, signature }) => rules.get(name) !== signature)) return true;
  let differs = false;
  trace({
    ...before,
    lookUp: (setOrMap, key) => {
      const found = before.lookUp(setOrMap, key);
      differs ||= found?.value !== after.lookUp(setOrMap, key)?.value;
      return found;
    },
    elementsOf: (setOrMap) => {
      const keys = (ruleset: TracedRuleset) => [...ruleset.elementsOf(setOrMap)].map(({ key }) => key).join();
      differs ||= keys(before) !== keys(after);
      return before.elementsOf(setOrMap);
    },
  });
  return differs;
}
