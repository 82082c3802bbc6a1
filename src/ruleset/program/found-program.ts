import type { Family } from '../../ip.ts';
import type { ListedChain } from '../elements/chain.ts';
import { buildProgram, type LocalPods, type Program } from './program.ts';

/** A program, and the option by which it recognises pods. */
export interface FoundProgram {
  readonly program: Program;
  readonly localPods: LocalPods | undefined;
}

/**
 * The program in a table, from the name of its marker chain; undefined if no options of ours lead to it, so the table is
 * from another version. `chains`: the table's chains, as nft lists them.
 */
export function foundProgram(
  family: Family,
  marker: string,
  chains: ReadonlyMap<string, ListedChain>,
): FoundProgram | undefined {
  const known: readonly (LocalPods | undefined)[] = [
    { by: 'pod-cidrs' },
    undefined,
    { by: 'pod-cidrs', comeLater: true },
    ...interfacePatterns(chains).map((pattern): LocalPods => ({ by: 'interface', pattern })),
  ];
  for (const localPods of known) {
    for (const flags of flagSets()) {
      const program = buildProgram(family, { localPods, ...flags });
      if (program.marker === marker) return { program, localPods };
    }
  }
  return undefined;
}

/** Options that are on or off, with their usual values. */
const USUAL = {
  masqueradeAll: false,
  localhostNodePorts: false,
  connectionCounters: true,
  nodePortClients: false,
  resetUnknown: false,
};

/** All combinations of them, the usual one first. */
function flagSets(): readonly (typeof USUAL)[] {
  return Object.entries(USUAL).reduce(
    (sets, [name, usual]) => sets.flatMap((flags) => [flags, { ...flags, [name]: !usual }]),
    [USUAL],
  );
}

/** What rules compare interfaces with: one pattern, unless somebody changed them. */
function interfacePatterns(chains: ReadonlyMap<string, ListedChain>): readonly string[] {
  const rules = [...chains.values()].flatMap((chain) => chain.rules);
  return [...new Set(rules.flatMap((rule) => /\biifname (?:!= )?"([^"]+)"/.exec(rule)?.[1] ?? []))];
}
