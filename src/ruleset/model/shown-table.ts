import { sortedSteps } from '../../service/sorted-steps.ts';
import type { Steps } from '../../service/steps.ts';
import type { Chain } from '../elements/chain.ts';
import type { Element } from '../elements/element.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { affinityKindOf } from '../program/affinity.ts';
import { LIMIT_COUNTERS } from '../program/limits.ts';
import { LATER_SETS } from '../program/node-port-ranges.ts';
import { CLIENT_SETS } from '../program/objects.ts';
import { lookedUp, targetsOf, usedChains } from '../program/used-chains.ts';
import type { Ruleset } from './ruleset.ts';

/** How many elements are sorted in one step. */
const SORTED = 256;

/** A family's table as a dump shows it, taken at one moment. Later changes of the model are not in it. */
export interface ShownTable {
  /** Elements of every set and map of the program, in no particular order. */
  readonly elements: ReadonlyMap<SetOrMap, readonly Element[]>;
  /** Sets that packets fill, and named counters. */
  readonly clientSets: readonly Element[];
  readonly counters: readonly Element[];
  /**
   * Its chains, and the name of the marker chain if it is shown. `targets`: the verdicts of all elements. Without `all`,
   * chains without effect are left out.
   */
  chains(targets: ReadonlySet<string>): { readonly chains: readonly Chain[]; readonly marker: string | undefined };
}

/**
 * The table as it is now. `all`: everything that the kernel should hold. Otherwise heartbeats, counters and everything
 * without effect are left out (see usedChains).
 */
export function shownTable(ruleset: Ruleset, all: boolean): ShownTable {
  const { program } = ruleset;
  const elements = new Map(
    containersIn(ruleset).map((own) => [
      own,
      copiesOf(all ? ruleset.elementsOf(own) : own.counts ? [] : ruleset.servingElementsOf(own)),
    ]),
  );
  const dynamic = [...ruleset.dynamicChains()];
  const isEmpty = (name: string) =>
    program.setsAndMaps.some((own) => own.name === name && elements.get(own)?.length === 0);
  return {
    elements,
    clientSets: CLIENT_SETS.flatMap((setOrMap) => copiesOf(ruleset.elementsOf(setOrMap))),
    counters: copiesOf(ruleset.elementsOf(LIMIT_COUNTERS)),
    chains: (verdicts) => {
      if (all) return { chains: [...program.chains, ...dynamic], marker: program.marker };
      const targets = new Set([...verdicts].map((verdict) => verdict.split(' ').at(-1) ?? ''));
      const used = new Set<Chain>();
      // A chain may lead to chains that were already examined.
      for (let before = -1; used.size > before; ) {
        before = used.size;
        for (const chain of dynamic) {
          if (used.has(chain) || !(targets.has(chain.name) || affinityKindOf(chain.name) !== undefined)) continue;
          used.add(chain);
          for (const rule of chain.rules) for (const to of targetsOf(rule)) targets.add(to);
        }
      }
      return { chains: [...usedChains(program.chains, isEmpty, targets), ...used], marker: undefined };
    },
  };
}

/** The sets and maps of a table, including those that were added later. */
function containersIn(ruleset: Ruleset): readonly SetOrMap[] {
  const later = new Set([...ruleset.elementsOf(LATER_SETS)].map(({ key }) => key));
  return ruleset.program.setsAndMaps.filter(({ name, comesLater }) => !comesLater || later.has(name));
}

/** The sets and maps of a table that have elements, or that one of these chains refers to. nft needs their declarations. */
export function neededSetsAndMaps({ elements }: ShownTable, chains: Iterable<Chain>): readonly SetOrMap[] {
  const names = new Set(lookedUp(chains));
  return [...elements].flatMap(([own, { length }]) => (length > 0 || names.has(own.name) ? own : []));
}

function copiesOf(elements: Iterable<Element>): readonly Element[] {
  const copies: Element[] = [];
  for (const { setOrMap, key, value, comment } of elements) copies.push({ setOrMap, key, value, comment });
  return copies;
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

/** Elements in a stable order that people can follow: addresses and numbers by value, not by spelling. */
export function sorted(elements: readonly Element[]): Steps<readonly Element[]> {
  return sortedSteps(elements, (a, b) => COLLATOR.compare(a.key, b.key), SORTED);
}
