import type { ListedChain } from '../ruleset/elements/chain.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { parseElements } from '../ruleset/elements/element-text.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Program } from '../ruleset/program/program.ts';
import { NftError } from './run.ts';

/** A table as found in the kernel. */
export interface TableContents {
  readonly chains: ReadonlyMap<string, ListedChain>;
  /** Including maps and counters. */
  readonly sets: readonly string[];
  /** Elements of the program's sets and maps. */
  readonly elements: readonly Element[];
}

/** Reads a listing of one table line by line. */
export interface TableReader {
  /** Takes the next line. Throws NftError (refused) for an element that this program cannot have written. */
  readonly line: (line: string) => void;
  /** What the table contains. Throws NftError (unknown-outcome) if the listing was incomplete. */
  readonly end: () => TableContents;
}

/** The chain, set or map that a line is in. */
type Block =
  | { readonly kind: 'chain'; hook: string; readonly rules: string[] }
  | {
      readonly kind: 'container';
      readonly name: string;
      readonly setOrMap: SetOrMap | undefined;
      inElements: boolean;
    }
  /** A counter, a flow table, …: not ours. */
  | { readonly kind: 'other' };

/** `\tchain dispatch {`, `\tmap services {`: each begins a block, which ends with `\t}`. */
const BLOCK = /^\t(\w+) (\S+) \{/;

/** The beginning of a base chain's block. */
const HOOK = /^\t\ttype \w+ hook /;

/** Any chain may have one. */
const COMMENT = /^\t\tcomment "/;

const RULE = /^\t\t[^\t}]/;

const ELEMENTS = '\t\telements = { ';

/**
 * The elements in a line of a set's or map's block; undefined if there are none. `isAmong`: the elements of the previous
 * line continue.
 */
export function elementsIn(
  line: string,
  isAmong: boolean,
): { readonly text: string | undefined; readonly isLast: boolean } {
  const isFirst = line.startsWith(ELEMENTS);
  if (!isFirst && !isAmong) return { text: undefined, isLast: false };
  const isLast = line.endsWith(' }');
  return { text: line.slice(isFirst ? ELEMENTS.length : 0, isLast ? -' }'.length : undefined), isLast };
}

/**
 * Creates a reader for the output of `nft list table` for a table with this program: one line for each chain, rule, set and
 * map, and for a few elements. It skips elements of sets that are not the program's, and those that are not `isWanted`.
 */
export function createTableReader(program: Program, isWanted?: (element: Element) => boolean): TableReader {
  const setsAndMaps = new Map(program.setsAndMaps.map((setOrMap) => [setOrMap.name, setOrMap]));
  const chains = new Map<string, ListedChain>();
  const sets: string[] = [];
  const elements: Element[] = [];
  let block: Block | undefined;
  let isComplete = false;

  const begin = (line: string): Block | undefined => {
    const [, kind, name = ''] = BLOCK.exec(line) ?? [];
    if (kind === undefined) return undefined;
    if (kind === 'chain') {
      const chain = { kind, hook: '', rules: [] } satisfies Block;
      chains.set(name, chain);
      return chain;
    }
    if (kind === 'set' || kind === 'map' || kind === 'counter') sets.push(name);
    if (kind !== 'set' && kind !== 'map') return { kind: 'other' };
    return { kind: 'container', name, setOrMap: setsAndMaps.get(name), inElements: false };
  };

  const takeElements = (to: Block & { readonly kind: 'container' }, line: string) => {
    const { text, isLast } = elementsIn(line, to.inElements);
    to.inElements = text !== undefined && !isLast;
    const { name, setOrMap } = to;
    if (setOrMap === undefined || text === undefined) return;
    const parsed = parseElements(setOrMap, text);
    if (parsed === undefined) throw new NftError('refused', `${name} contains an unexpected element: ${text.trim()}`);
    elements.push(...(isWanted === undefined ? parsed : parsed.filter(isWanted)));
  };

  const takeRule = (to: Block & { readonly kind: 'chain' }, line: string) => {
    if (HOOK.test(line)) to.hook = line.trim();
    else if (RULE.test(line) && !COMMENT.test(line)) to.rules.push(line.trim());
  };

  return {
    line(line) {
      if (block === undefined) {
        block = begin(line);
        if (line === '}') isComplete = true;
      } else if (line === '\t}') block = undefined;
      else if (block.kind === 'container') takeElements(block, line);
      else if (block.kind === 'chain') takeRule(block, line);
    },
    end() {
      if (!isComplete) throw new NftError('unknown-outcome', 'nft did not list a table to its end');
      return { chains, sets, elements };
    },
  };
}
