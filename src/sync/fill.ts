import type { Log } from '../log.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import {
  deleteTableCommand,
  type FoundTable,
  isLive,
  listElements,
  TABLE_NAMES,
  type TableName,
} from '../nft/tables.ts';
import { hookCommands } from '../ruleset/program-json.ts';
import { stagedProgramText } from '../ruleset/program-text.ts';
import { document, sizeOf, type Transaction, transactionCommands } from '../ruleset/transaction.ts';
import type { FamilyModel } from './family-model.ts';

/** Seconds between two lines of progress on a long fill. */
const PROGRESS_INTERVAL = 2;

/** A rebuild gives up once nft has refused this many single elements: then it is not the elements. */
const MAX_REFUSED = 16;

/** Brings model and kernel to the same state through a table that is already live: lists it and writes the difference. */
export async function adoptTable(model: FamilyModel, nft: Nft, table: FoundTable, log: Log): Promise<void> {
  model.restart(await listElements(nft, model.program, table.name));
  const send = (transaction: Transaction) => applyTransaction(model, nft, table.name, transaction);
  let written = await drain(model, send, log);
  model.ruleset.dropUnclaimed();
  written += await drain(model, send, log);
  log.info('the rules of the last run are in force and up to date', { family: model.family, written });
}

/**
 * Builds the table anew beside whatever is there, out of the packets' way, in bounded transactions; then one small
 * transaction makes it live and deletes the old. Returns the new table's name.
 */
export async function replaceTable(
  model: FamilyModel,
  nft: Nft,
  found: readonly FoundTable[],
  log: Log,
): Promise<TableName> {
  const { family, program } = model;
  const hooked = found.filter(({ baseChains }) => baseChains.length > 0).map(({ name }) => name);
  const name = TABLE_NAMES.find((candidate) => !hooked.includes(candidate)) ?? TABLE_NAMES[0];
  for (const leftover of found.filter((table) => table.name === name)) {
    await nft.apply(document([deleteTableCommand(family, leftover.name)]));
  }
  await nft.load(stagedProgramText(program, name));
  model.restart([]);
  const refused = { count: 0 };
  const written = await drain(model, (transaction) => isolateRefused(model, nft, name, transaction, refused, log), log);
  const old = found.filter((table) => table.name !== name).map((table) => deleteTableCommand(family, table.name));
  await nft.apply(document([...hookCommands(program, name), ...old]));
  log.info('the rules are in force', { family, table: name, elements: written });
  return name;
}

/** The live table among those found, if there is exactly one and it is whole. */
export function liveTable(found: readonly FoundTable[], model: FamilyModel): FoundTable | undefined {
  return found.length === 1 && found[0] !== undefined && isLive(found[0], model.program) ? found[0] : undefined;
}

/** Sends one transaction; returns without a word to nft if it is empty. */
export async function applyTransaction(
  model: FamilyModel,
  nft: Nft,
  table: TableName,
  transaction: Transaction,
): Promise<void> {
  if (sizeOf(transaction) > 0) await nft.apply(document(transactionCommands(model.family, table, transaction)));
}

/**
 * Sends transactions until the model has no more; returns the number of element operations. While nft works on one,
 * the next is prepared.
 */
async function drain(model: FamilyModel, send: (transaction: Transaction) => Promise<void>, log: Log): Promise<number> {
  let written = 0;
  let inFlight = Promise.resolve();
  let reported = performance.now();
  do {
    const transaction = model.nextTransaction();
    await inFlight;
    inFlight = send(transaction);
    // A failure is for the await above or below; this keeps Node from calling it unhandled in between.
    inFlight.catch(() => undefined);
    written += sizeOf(transaction);
    if (performance.now() - reported > PROGRESS_INTERVAL * 1000) {
      reported = performance.now();
      log.info('programming', { family: model.family, elements: written });
    }
  } while (model.isDirty);
  await inFlight;
  return written;
}

/**
 * Sends a transaction to a staged table, where it need not be atomic: if nft refuses it, halves are tried until the
 * refused elements stand alone. They are left out with an error each, and all the rest is served.
 */
async function isolateRefused(
  model: FamilyModel,
  nft: Nft,
  table: TableName,
  transaction: Transaction,
  refused: { count: number },
  log: Log,
): Promise<void> {
  try {
    await applyTransaction(model, nft, table, transaction);
  } catch (error) {
    if (!(error instanceof NftError) || error.failure !== 'refused' || refused.count >= MAX_REFUSED) throw error;
    const { adds, deletes } = transaction;
    const [element] = adds;
    if (adds.length === 1 && deletes.length === 0 && element !== undefined) {
      refused.count++;
      model.ruleset.refuse(element);
      const { container, key, comment } = element;
      log.error(`nft refuses an element, it is left out: ${error.message}`, { set: container.name, key, comment });
      return;
    }
    const half = Math.ceil(adds.length / 2);
    const parts =
      deletes.length > 0
        ? [
            { deletes, adds: [] },
            { deletes: [], adds },
          ]
        : [
            { deletes: [], adds: adds.slice(0, half) },
            { deletes: [], adds: adds.slice(half) },
          ];
    if (adds.length === 0) throw error;
    for (const part of parts) await isolateRefused(model, nft, table, part, refused, log);
  }
}
