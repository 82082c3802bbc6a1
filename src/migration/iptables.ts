import { readFile } from 'node:fs/promises';
import type { Family } from '../ip.ts';
import {
  parseSave,
  planTable,
  removalDocument,
  removesSomething,
  type SavedTable,
  type TableRemoval,
} from './iptables-save.ts';
import { runTool, ToolError } from './tool.ts';
import { writePrivately } from './write-privately.ts';

/** What iptables works with: nf_tables, or the kernel's own tables of before. A node may have rules in both. */
export type Backend = 'nft' | 'legacy';

/** The rules of a family in one backend. */
export interface IptablesRules {
  readonly family: Family;
  readonly backend: Backend;
  readonly tables: readonly SavedTable[];
  readonly removals: readonly TableRemoval[];
}

const NAMES: Readonly<Record<Family, string>> = { ip: 'iptables', ip6: 'ip6tables' };
/** The tables that this network namespace has in legacy iptables; empty or missing if it was never used. */
const LEGACY_TABLES: Readonly<Record<Family, string>> = {
  ip: '/proc/net/ip_tables_names',
  ip6: '/proc/net/ip6_tables_names',
};

/** True if this network namespace has tables of legacy iptables, whatever is in them. */
export async function hasLegacyTables(family: Family): Promise<boolean> {
  return (await readFile(LEGACY_TABLES[family], 'utf8').catch(() => '')).trim() !== '';
}

/**
 * Reads all rules of a backend. To be called only where it holds rules: legacy tables come into being when asked for.
 * @throws ToolError
 */
export async function readIptables(family: Family, backend: Backend): Promise<IptablesRules> {
  const tables = parseSave(await runTool([await toolFor(family, backend, 'save')]));
  return { family, backend, tables, removals: tables.map(planTable) };
}

/**
 * Removes what is to go. The input of iptables-restore stays in `runDir`.
 * @throws ToolError; then nothing of the table it complains about has changed
 */
export async function removeIptables({ family, backend, removals }: IptablesRules, runDir: string): Promise<void> {
  if (!removals.some(removesSomething)) return;
  const input = await writePrivately(runDir, `migrate-${NAMES[family]}-${backend}`, removalDocument(removals));
  // Waits for the lock of others (kubelet, CNI plugins) that work at the same time.
  await runTool([await toolFor(family, backend, 'restore'), '--noflush', '-w', '30'], input);
}

/** "iptables-nft-save", or "iptables-save" if that is of the backend: before 1.8 all are legacy, and nameless. */
async function toolFor(family: Family, backend: Backend, what: 'save' | 'restore'): Promise<string> {
  const name = `${NAMES[family]}-${backend}-${what}`;
  const plain = `${NAMES[family]}-${what}`;
  for (const candidate of [name, plain]) {
    const version = await runTool([candidate, '--version']).catch(() => undefined);
    if (version?.includes('(nf_tables)') === (backend === 'nft')) return candidate;
  }
  throw new ToolError(`${name} is missing`, true);
}
