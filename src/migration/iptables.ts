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

/** The backend of iptables: nf_tables, or the kernel's older tables. A node may have rules in both. */
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

/** True if this network namespace has tables of legacy iptables, even if they are empty. */
export async function hasLegacyTables(family: Family): Promise<boolean> {
  return (await readFile(LEGACY_TABLES[family], 'utf8').catch(() => '')).trim() !== '';
}

/**
 * Reads all rules of a backend. Call this only if it has rules, because reading legacy tables creates them.
 * @throws ToolError
 */
export async function readIptables(family: Family, backend: Backend): Promise<IptablesRules> {
  const tables = parseSave(await runTool([await toolFor(family, backend, 'save')]));
  return { family, backend, tables, removals: tables.map(planTable) };
}

/**
 * Removes chains and rules. The input of iptables-restore stays in `runDir`.
 * @throws ToolError; in this case, the table that it names has not changed
 */
export async function removeIptables({ family, backend, removals }: IptablesRules, runDir: string): Promise<void> {
  if (!removals.some(removesSomething)) return;
  const input = await writePrivately(runDir, `migrate-${NAMES[family]}-${backend}`, removalDocument(removals));
  // Waits for the lock that other programs (kubelet, CNI plugins) may hold.
  await runTool([await toolFor(family, backend, 'restore'), '--noflush', '-w', '30'], input);
}

/** "iptables-nft-save", or "iptables-save" if that uses the backend. Before 1.8, all tools are legacy, without a suffix. */
async function toolFor(family: Family, backend: Backend, what: 'save' | 'restore'): Promise<string> {
  const name = `${NAMES[family]}-${backend}-${what}`;
  const plain = `${NAMES[family]}-${what}`;
  for (const candidate of [name, plain]) {
    const version = await runTool([candidate, '--version']).catch(() => undefined);
    if (version?.includes('(nf_tables)') === (backend === 'nft')) return candidate;
  }
  throw new ToolError(`${name} is missing`, true);
}
