import { setTimeout as sleep } from 'node:timers/promises';
import { compareChain } from '../audit/chain-differences.ts';
import { chainDrift, type Drift, elementDrift, foreignChainDrift, foreignTableDrift } from '../audit/drift.ts';
import type { Arguments } from '../config/arguments.ts';
import { type DaemonModel, type DaemonTable, elementsIn } from '../daemon/answers/model-answer.ts';
import { createModels } from '../daemon/models.ts';
import { FAMILY_NAMES, type Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { createNft, type Nft } from '../nft/nft.ts';
import { explainNftError, probeNft } from '../nft/probe.ts';
import { NftError } from '../nft/run.ts';
import { findTables, readTable } from '../nft/tables.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { AFFINITY_SETS } from '../ruleset/program/affinity.ts';
import { decidingSetsAndMaps } from '../ruleset/program/sets-and-maps.ts';
import { Cluster } from '../service/cluster.ts';
import { counted, type SignedLine } from '../status/changes-text.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { argumentsOf } from './diff-source.ts';

/** How a family's table in the kernel differs from what the daemon has programmed. */
export interface KernelDifferences {
  readonly family: Family;
  readonly table: string;
  /** False while the daemon is still filling or repairing it. */
  readonly inForce: boolean;
  /** How many elements were compared. */
  readonly elements: number;
  readonly differences: readonly Pick<Drift, 'kind' | 'action' | 'message'>[];
}

/** Milliseconds until differences are checked again, because a transaction may have been in flight. */
const PAUSE = 300;

/**
 * Compares the kernel with what the daemon reports to have programmed. Differences are checked twice, and count only if they
 * are the same both times.
 * @throws ProxyError E_NFT_MISSING, E_NFT_TOO_OLD, E_NFT_NOT_PERMITTED, E_NFT_FAILED, and as `request` does
 */
export async function kernelDifferences(
  request: () => Promise<DaemonModel>,
  args: Arguments,
  log: Log,
): Promise<readonly KernelDifferences[]> {
  const first = await request();
  const nft = createNft(args.runDir, 'diff');
  await probeNft(nft, log);
  const theirs = argumentsOf(args, first);
  const models = createModels(
    new Cluster(theirs.nodeName),
    first.families.map(({ family }) => family),
    theirs,
    log,
  );
  try {
    const found = await compare(first, models, nft);
    if (found.every(({ differences }) => differences.length === 0)) return found;
    await sleep(PAUSE);
    const again = await compare(await request(), models, nft);
    return again.map((one, i) => {
      const known = new Set(found[i]?.differences.map(({ message }) => message));
      return { ...one, differences: one.differences.filter(({ message }) => known.has(message)) };
    });
  } catch (error) {
    throw error instanceof NftError ? explainNftError(error) : error;
  }
}

async function compare(
  { families }: DaemonModel,
  models: readonly FamilyModel[],
  nft: Nft,
): Promise<readonly KernelDifferences[]> {
  const found: KernelDifferences[] = [];
  for (const table of families) {
    const model = models.find(({ family }) => family === table.family);
    if (model === undefined) continue;
    const expected = elementsIn(table, model);
    const drifts = await tableDrifts(table, expected, model, nft);
    found.push({
      ...{ family: table.family, table: table.table, inForce: table.inForce, elements: expected.length },
      differences: drifts.map(({ kind, action, message }) => ({ kind, action, message })),
    });
  }
  return found;
}

async function tableDrifts(
  { family, table }: DaemonTable,
  expected: readonly Element[],
  { program }: FamilyModel,
  nft: Nft,
): Promise<readonly Drift[]> {
  const tables = await findTables(nft, family);
  const own = tables.find(({ name }) => name === table);
  const others = tables.filter((one) => one !== own).map(({ name }) => foreignTableDrift(name));
  if (own === undefined) {
    const message = `our table was deleted: table ${table}`;
    return [{ kind: 'table', action: 'deleted', message, key: `table ${table}` }, ...others];
  }
  const { chains, sets, elements } = await readTable(nft, program, own.name);
  const ours = [...program.chains, ...expected.flatMap(({ chain }) => chain ?? [])];
  const deciding = new Set(decidingSetsAndMaps(program));
  const names = new Set([program.marker, ...ours.map(({ name }) => name)]);
  return [
    ...others,
    ...ours.flatMap((chain) => {
      const difference = compareChain(chain, chains.get(chain.name));
      return difference === undefined ? [] : chainDrift(difference, program);
    }),
    ...[...chains].flatMap(([name, { hook }]) => (hook === '' || names.has(name) ? [] : foreignChainDrift(name, hook))),
    ...missingSets(expected, new Set(sets)),
    ...elementDrifts(
      expected.filter(({ setOrMap }) => deciding.has(setOrMap)),
      elements.filter(({ setOrMap }) => deciding.has(setOrMap)),
    ),
  ];
}

function missingSets(expected: readonly Element[], sets: ReadonlySet<string>): readonly Drift[] {
  return expected.flatMap(({ setOrMap, key }) => {
    if (setOrMap !== AFFINITY_SETS || sets.has(key)) return [];
    const message = `clients of an endpoint with session affinity: their set was deleted: set ${key}`;
    return [{ kind: 'rule' as const, action: 'deleted' as const, message, key: `set ${key}` }];
  });
}

function elementDrifts(expected: readonly Element[], found: readonly Element[]): readonly Drift[] {
  const nameOf = ({ setOrMap, key }: Element) => `${setOrMap.name} ${key}`;
  const left = new Map(found.map((element) => [nameOf(element), element]));
  const drifts = expected.flatMap((element) => {
    const other = left.get(nameOf(element));
    left.delete(nameOf(element));
    if (other?.value === element.value && other.comment === element.comment) return [];
    return elementDrift({ setOrMap: element.setOrMap, key: element.key, expected: element, found: other });
  });
  const foreign = [...left.values()].map((element) =>
    elementDrift({ ...element, expected: undefined, found: element }),
  );
  return [...drifts, ...foreign];
}

const SIGNS = { added: '+', deleted: '-', changed: '~' } as const;

/** The text output: for each family, one line per difference. */
export function kernelLines(found: readonly KernelDifferences[]): readonly SignedLine[] {
  return found.flatMap(({ family, table, inForce, elements, differences }): readonly SignedLine[] => {
    const state = inForce ? '' : '; not in force yet: the daemon is still writing it';
    const result =
      differences.length === 0
        ? `the kernel holds what the daemon has programmed, ${counted(elements, 'element')}`
        : counted(differences.length, 'difference');
    return [
      [' ', `${FAMILY_NAMES[family]}  table ${table}: ${result}${state}`],
      ...differences.map(({ action, message }): SignedLine => [SIGNS[action], `  ${message}`]),
    ];
  });
}
