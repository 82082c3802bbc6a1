import { compareChain } from '../audit/chain-differences.ts';
import { chainDrift, type Drift } from '../audit/drift.ts';
import { rewriteCommands } from '../nft/json/program-json.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import type { TableName } from '../nft/tables.ts';
import type { ListedChain } from '../ruleset/elements/chain.ts';
import type { Program } from '../ruleset/program/program.ts';

/**
 * Restores the rules of chains that differ from the program, in one transaction: of the fixed chains, and of all existing
 * chains that pick endpoints, because any later verdict may lead to them. Returns what differed.
 * @throws NftError
 */
export async function repairChains(
  nft: Nft,
  program: Program,
  table: TableName,
  listed: ReadonlyMap<string, ListedChain>,
): Promise<readonly Drift[]> {
  const picks = [...listed.keys()].flatMap((name) => program.picks.byName(name)?.element.chain ?? []);
  const differing = [...program.chains, ...picks].flatMap((chain) => {
    const difference = compareChain(chain, listed.get(chain.name));
    return difference === undefined ? [] : [{ chain, difference }];
  });
  if (differing.length === 0) return [];
  const rewritten = differing.map(({ chain, difference }) => ({ chain, isMoved: difference.what === 'hook' }));
  await nft.apply(document(rewriteCommands(program.family, table, rewritten)));
  return differing.map(({ difference }) => chainDrift(difference, program));
}
