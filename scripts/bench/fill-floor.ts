import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hookCommands } from '../../src/nft/json/program-json.ts';
import { document, transactionCommands } from '../../src/nft/json/transaction-json.ts';
import { TABLE_NAMES } from '../../src/nft/tables.ts';
import { dumpText } from '../../src/ruleset/model/dump-text.ts';
import type { Transaction } from '../../src/ruleset/model/transaction.ts';
import { transactionText } from '../../src/ruleset/model/transaction-text.ts';
import { stagedProgramText } from '../../src/ruleset/program/program-text.ts';
import type { FamilyModel } from '../../src/sync/family-model.ts';
import { bareNft } from './bare-nft.ts';

/** The table a first fill makes. */
export const TABLE = TABLE_NAMES[0];

/**
 * The ways to load a whole ruleset with bare nft commands, from files made beforehand. The program is text in all of
 * them, since nft before 1.1.2 cannot load it from JSON.
 */
export const FLOOR_FORMS = [
  'JSON, one transaction',
  'JSON, bounded transactions',
  'text, one transaction',
  'text, bounded transactions',
] as const;

export type FloorForm = (typeof FLOOR_FORMS)[number];

/** One file for nft to load. */
export interface Load {
  readonly path: string;
  readonly json: boolean;
}

/** Writes the files of all forms for what a model holds at its start; returns them in the order to be loaded. */
export function prepareFloors(model: FamilyModel, directory: string): Record<FloorForm, readonly Load[]> {
  const { program } = model;
  const file = (name: string, text: string): Load => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return { path, json: name.endsWith('.json') };
  };
  model.restart([]);
  const transactions: Transaction[] = [];
  while (model.isDirty) transactions.push(model.nextTransaction());

  const hooks = hookCommands(program, TABLE);
  const staged = file('staged.nft', stagedProgramText(program, TABLE));
  const all = { deletes: [], adds: transactions.flatMap(({ adds }) => adds) };
  const commands = (transaction: Transaction) => transactionCommands(program.family, TABLE, transaction, 'typeof');
  return {
    'JSON, one transaction': [staged, file('all.json', document([...commands(all), ...hooks]))],
    'JSON, bounded transactions': [
      staged,
      ...transactions.map((transaction, i) => file(`part-${i}.json`, document(commands(transaction)))),
      file('hooks.json', document(hooks)),
    ],
    'text, one transaction': [file('all.nft', dumpText(model.ruleset, TABLE, [], true))],
    'text, bounded transactions': [
      staged,
      ...transactions.map((transaction, i) =>
        file(`part-${i}.nft`, transactionText(program.family, TABLE, transaction)),
      ),
      file('hooks.json', document(hooks)),
    ],
  };
}

/** Loads files one after the other. `nft`: the executable. */
export async function loadAll(loads: readonly Load[], nft?: string): Promise<void> {
  for (const { path, json } of loads) await bareNft(json ? ['-j', '-f', path] : ['-f', path], nft);
}
