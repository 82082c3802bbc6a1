import { setTimeout as sleep } from 'node:timers/promises';
import { compareChain } from '../audit/chain-differences.ts';
import { chainDrift, type Drift, elementDrift, foreignChainDrift, foreignTableDrift } from '../audit/drift.ts';
import { elementDifferences, isDifferent } from '../audit/element-differences.ts';
import type { Nft } from '../nft/nft.ts';
import { RulesLister, tableIn, tablesIn } from '../nft/rules-lister.ts';
import { NftError } from '../nft/run.ts';
import { lookAtElements } from '../nft/table-look.ts';
import type { TableName } from '../nft/tables.ts';
import type { Chain } from '../ruleset/elements/chain.ts';
import type { Element } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import { CHAIN_OBJECTS } from '../ruleset/program/objects.ts';
import { decidingSetsAndMaps } from '../ruleset/program/sets-and-maps.ts';
import type { Steps } from '../service/steps.ts';
import type { Way } from '../trace/way.ts';
import { inSlices } from './slices.ts';

/** Something on a packet's way that differs in the kernel from the model. */
export interface WayDifference {
  /** Neither of the two: it affects every packet. */
  readonly chain?: string;
  readonly element?: { readonly setOrMap: SetOrMap; readonly key: string };
  readonly drift: Pick<Drift, 'kind' | 'action' | 'message'>;
}

/** What was compared on a packet's way, and what differs. */
export interface WayComparison {
  readonly chains: number;
  readonly elements: number;
  readonly differences: readonly WayDifference[];
  /** What could not be compared, and why. */
  readonly notCompared: readonly string[];
}

/** Milliseconds between two looks. A difference in both is not a change in progress. */
const PAUSE = 100;

/** Milliseconds of CPU time that nft takes to list an element, and seconds that it may take for the shortest listing. */
const ELEMENT_COST = 0.03;
const TIMEOUT = 3;

/**
 * Up to this many elements of a family, its whole table is listed at once. That is cheaper than a process for each set and
 * map.
 */
const SMALL = 2_000;

/**
 * Compares what decides about a packet with the kernel: the chains that it enters, each element that it looks up, whether
 * that exists or not, and chains and tables that others have added. If something differs, it looks twice. It only reads,
 * concurrently with the daemon's transactions, so it leaves out what the model is changing.
 * @throws NftError
 */
export async function compareWay(way: Way, ruleset: Ruleset, nft: Nft, table: TableName): Promise<WayComparison> {
  const first = await look(way, ruleset, nft, table);
  if (first.differences.length === 0) return first;
  await sleep(PAUSE);
  const second = await look(way, ruleset, nft, table);
  const seen = new Set(first.differences.map(({ drift }) => drift.message));
  return { ...second, differences: second.differences.filter(({ drift }) => seen.has(drift.message)) };
}

async function look(way: Way, ruleset: Ruleset, nft: Nft, table: TableName): Promise<WayComparison> {
  const { family } = ruleset.program;
  const lookedUp = decidingSetsAndMaps(ruleset.program).filter(({ name }) => way.looksUpIn(name));
  try {
    const { count, differences } = await lookAtRules(way, ruleset, nft, table);
    const portions = ruleset.size <= SMALL ? [lookedUp] : lookedUp.map((setOrMap) => [setOrMap]);
    const found = [];
    for (const portion of portions) found.push(await lookAt(portion, way, ruleset, nft, table));
    return {
      chains: count,
      elements: found.reduce((sum, one) => sum + one.count, 0),
      differences: [...differences, ...found.flatMap((one) => one.differences)],
      notCompared: found.flatMap((one) => one.notCompared),
    };
  } catch (error) {
    if (!(error instanceof NftError) || error.failure !== 'not-found') throw error;
    const message = `the kernel has no table ${family} ${table}`;
    return {
      chains: 0,
      elements: 0,
      differences: [{ drift: { kind: 'table', action: 'deleted', message } }],
      notCompared: [],
    };
  }
}

async function lookAtRules(way: Way, ruleset: Ruleset, nft: Nft, table: TableName) {
  const { program } = ruleset;
  const listing = await new RulesLister().list(nft, 0, 0);
  const listed = tableIn(listing, program, table).chains;
  const known = [...program.chains, ...dynamicChains(way, ruleset)];
  const differences: WayDifference[] = [];
  const affected = known.filter(({ name }) => way.chains.has(name));
  for (const chain of affected) {
    const difference = compareChain(chain, listed.get(chain.name));
    if (difference !== undefined) differences.push({ chain: chain.name, drift: chainDrift(difference, program) });
  }
  const ours = new Set(program.chains.map(({ name }) => name));
  for (const [name, { hook }] of listed) {
    if (hook !== '' && !ours.has(name)) differences.push({ drift: foreignChainDrift(name, hook) });
  }
  for (const other of tablesIn(listing, program.family)) {
    if (other === table || ![...tableIn(listing, program, other).chains.values()].some(({ hook }) => hook !== ''))
      continue;
    differences.push({ drift: foreignTableDrift(other) });
  }
  return { count: affected.length, differences };
}

/** Chains of Services that a packet enters, as the kernel should have them now. */
function* dynamicChains(way: Way, ruleset: Ruleset): Iterable<Chain> {
  const changing = new Set<string>();
  for (const setOrMap of CHAIN_OBJECTS) {
    const view = ruleset.inKernel(setOrMap);
    for (const name of way.chains) if (view.isChanging(name)) changing.add(name);
  }
  for (const chain of ruleset.dynamicChains()) if (!changing.has(chain.name)) yield chain;
}

/** True if a packet meets an element, or would meet it if it existed. */
function isElementOnWay(way: Way, { name, interval }: SetOrMap, key: string): boolean {
  return way.concerns(name, key) || (way.looksUpIn(name) && !interval && STRANGE.test(key));
}

/** True if a difference is on this way. One comparison may serve several ways. */
export function isOnWay(way: Way, { chain, element }: WayDifference): boolean {
  if (chain !== undefined) return way.chains.has(chain);
  return element === undefined || isElementOnWay(way, element.setOrMap, element.key);
}

/** A key that stands for many, which others have added where each of ours stands for one: ranges, networks, all others. */
const STRANGE = /[-/*]/;

interface Found extends Pick<WayComparison, 'differences' | 'notCompared'> {
  readonly count: number;
}

/** Lists some sets and maps. Several are read in one listing. */
async function lookAt(
  portion: readonly SetOrMap[],
  way: Way,
  ruleset: Ruleset,
  nft: Nft,
  table: TableName,
): Promise<Found> {
  const isWanted = ({ setOrMap, key }: Element) => isElementOnWay(way, setOrMap, key);
  const size = portion.reduce((sum, setOrMap) => sum + ruleset.countOf(setOrMap), 0);
  const timeout = TIMEOUT + (5 * size * ELEMENT_COST) / 1000;
  const only = portion.length === 1 ? portion[0] : undefined;
  try {
    const { contents } = await lookAtElements(nft, ruleset.program, table, only, { timeout, isWanted });
    const found: ElementsFound[] = [];
    for (const setOrMap of portion) {
      const listed = (contents?.elements ?? []).filter((element) => element.setOrMap === setOrMap);
      found.push(await inSlices(compareElements(setOrMap, listed, way, ruleset)));
    }
    return {
      count: found.reduce((sum, one) => sum + one.count, 0),
      differences: found.flatMap((one) => one.differences),
      notCompared: [],
    };
  } catch (error) {
    if (!(error instanceof NftError && error.isTooSlow)) throw error;
    const names = portion.map(({ name, value }) => `${value === undefined ? 'set' : 'map'} ${name}`).join(', ');
    const why = 'nft did not finish listing it, because it starts again whenever something changes';
    return { count: 0, differences: [], notCompared: [`${names}: ${why}`] };
  }
}

type ElementsFound = Pick<Found, 'count' | 'differences'>;

function* compareElements(
  setOrMap: SetOrMap,
  listed: readonly Element[],
  way: Way,
  ruleset: Ruleset,
): Steps<ElementsFound> {
  const { name } = setOrMap;
  const view = ruleset.inKernel(setOrMap);
  const keys = new Set(way.keysOf(name));
  yield;
  if (way.looksUpIntervals(name)) for (const key of view.keys()) if (way.concerns(name, key)) keys.add(key);
  yield;
  const differences = yield* elementDifferences(setOrMap, listed, { ...view, keys: () => keys });
  // The model may have changed in the meantime.
  const now = ruleset.inKernel(setOrMap);
  return {
    count: keys.size,
    differences: differences
      .filter((difference) => isDifferent(difference, now))
      .map((difference) => ({
        element: { setOrMap, key: difference.key },
        drift: elementDrift(difference),
      })),
  };
}
