import type { Family } from '../ip.ts';
import { isAffinitySet, setElement } from '../ruleset/affinity.ts';
import type { Container } from '../ruleset/container.ts';
import { type Element, parseElement } from '../ruleset/element.ts';
import { foundChain } from '../ruleset/objects.ts';
import { MARKER_PREFIX, type Program } from '../ruleset/program.ts';
import type { Nft } from './nft.ts';
import { NftError } from './run.ts';

/**
 * The names our table can have. One is live; the other is where a new version of the program is staged before one
 * transaction hooks it and deletes the old, since nft cannot rename a table.
 */
export const TABLE_NAMES = ['kube-proxy-nft', 'kube-proxy-nft-b'] as const;

export type TableName = (typeof TABLE_NAMES)[number];

/** One of our tables as found in the kernel. */
export interface FoundTable {
  readonly name: TableName;
  /** The marker chain's name: which program the table holds. Empty if there is none. */
  readonly marker: string;
  /** Its base chains as "name type hook priority", sorted; empty while it is staged. */
  readonly baseChains: readonly string[];
}

interface ListedChain {
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
}

/**
 * Our tables of a family. Reads chains only, which costs the same whatever the tables hold (`list tables` makes
 * nft 1.0.6 read every element).
 */
export async function findTables(nft: Nft, family: Family): Promise<readonly FoundTable[]> {
  const listed = await nft.list('chains', family);
  const chains = listed.flatMap((object) => (isChain(object) ? [object.chain] : []));
  return TABLE_NAMES.flatMap((name) => {
    const own = chains.filter((chain) => chain.table === name);
    if (own.length === 0) return [];
    return [
      {
        name,
        marker: own.find((chain) => chain.name.startsWith(MARKER_PREFIX))?.name ?? '',
        baseChains: own.flatMap((chain) =>
          chain.hook === undefined ? [] : [`${chain.name} ${chain.type} ${chain.hook} ${chain.prio}`],
        ),
      },
    ];
  });
}

/** True if packets go through the table and it holds just this program. */
export function isLive(table: FoundTable, program: Program): boolean {
  const wanted = program.chains.flatMap(({ name, hook }) =>
    hook === undefined ? [] : [`${name} ${hook.type} ${hook.hook} ${hook.priority}`],
  );
  return table.marker === program.marker && table.baseChains.toSorted().join() === wanted.toSorted().join();
}

/** A table without the elements of its sets and maps. */
export interface TableFrame {
  /** Chain → its rules' comments, in order; empty ones included. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly sets: readonly string[];
}

/** Costs as much as reading all elements on nft 1.0.6, whose terse listing leaves them out only when it prints. */
export async function listFrame(nft: Nft, family: Family, table: TableName): Promise<TableFrame> {
  const chains = new Map<string, string[]>();
  const sets: string[] = [];
  for (const object of await nft.listTerse('table', family, table)) {
    if (isChain(object)) chains.set(object.chain.name, []);
    else if (isSet(object)) sets.push(object.set.name);
    else if (isRule(object)) chains.get(object.rule.chain)?.push(object.rule.comment ?? '');
  }
  return { chains, sets };
}

/** True if every chain has as many rules as in the program: somebody may have flushed one, or the table. */
export function hasAllRules({ chains }: TableFrame, program: Program): boolean {
  return program.chains.every(({ name, rules }) => (chains.get(name)?.length ?? 0) === rules.length);
}

/** The chains and sets in a table that are not of the program, as the model holds them. */
export function dynamicObjects({ chains, sets }: TableFrame): readonly Element[] {
  return [
    ...[...chains].flatMap(([name, comments]) => foundChain(name, comments) ?? []),
    ...sets.filter(isAffinitySet).map(setElement),
  ];
}

/** The command that deletes a table with all it holds. */
export function deleteTableCommand(family: Family, name: TableName): string {
  return JSON.stringify({ delete: { table: { family, name } } });
}

/**
 * Every element of a table, container by container, which bounds nft's memory to the largest one.
 * @throws NftError, also (refused) for an element that this program cannot have written
 */
export async function listElements(nft: Nft, program: Program, table: TableName): Promise<readonly Element[]> {
  const elements: Element[] = [];
  const kindOf = (container: Container) => (container.value === undefined ? 'set' : 'map');
  const list = (container: Container | undefined) =>
    container && nft.list(kindOf(container), program.family, table, container.name);
  let next = list(program.containers[0]);
  for (const [i, container] of program.containers.entries()) {
    const kind = kindOf(container);
    const listed = (await next) ?? [];
    // nft reads the next one while we go through this one.
    next = list(program.containers[i + 1]);
    // A failure is for the await above; this keeps Node from calling it unhandled until then.
    next?.catch(() => undefined);
    for (const object of listed) {
      for (const json of elementsIn(object, kind)) {
        const element = parseElement(container, json);
        if (element === undefined) {
          throw new NftError('refused', `${kind} ${container.name} holds a strange element: ${JSON.stringify(json)}`);
        }
        elements.push(element);
      }
    }
  }
  return elements;
}

function elementsIn(object: unknown, kind: 'set' | 'map'): readonly unknown[] {
  const container = (object as Record<string, { elem?: unknown[] } | undefined>)[kind];
  return container?.elem ?? [];
}

function isSet(object: unknown): object is { set: { name: string } } {
  return typeof object === 'object' && object !== null && 'set' in object;
}

function isRule(object: unknown): object is { rule: { chain: string; comment?: string } } {
  return typeof object === 'object' && object !== null && 'rule' in object;
}

function isChain(object: unknown): object is { chain: ListedChain } {
  return typeof object === 'object' && object !== null && 'chain' in object;
}
