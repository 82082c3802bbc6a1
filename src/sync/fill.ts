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
import type { Element } from '../ruleset/element.ts';
import { hookCommands } from '../ruleset/program-json.ts';
import { stagedProgramText } from '../ruleset/program-text.ts';
import { document, sizeOf, type Transaction, transactionCommands } from '../ruleset/transaction.ts';
import { ARRIVED, type Arrival } from './arrival.ts';
import type { FamilyModel } from './family-model.ts';

/** Seconds between two lines of progress on a long fill. */
const PROGRESS_INTERVAL = 2;

/** A rebuild gives up once nft has refused this many single elements: then it is not the elements. */
const MAX_REFUSED = 16;

/**
 * Brings model and kernel to the same state through a table that is already live: lists it and writes the difference.
 * `found`: what was read of it already. Returns the number of element operations.
 */
export async function adoptTable(
  model: FamilyModel,
  nft: Nft,
  table: FoundTable,
  found: readonly Element[],
  log: Log,
): Promise<number> {
  model.restart([...(await listElements(nft, model.program, table.name)), ...found]);
  let written = await drain(model, nft, table.name, log, giveUp);
  model.ruleset.dropUnclaimed();
  written += await drain(model, nft, table.name, log, giveUp);
  log.info('the rules of the last run are in force and up to date', { family: model.family, written });
  return written;
}

/**
 * Builds the table anew beside whatever is there, out of the packets' way, in bounded transactions; it may begin while
 * Services still arrive. Once they are complete, one small transaction makes it live and deletes the old.
 */
export async function replaceTable(
  model: FamilyModel,
  nft: Nft,
  found: readonly FoundTable[],
  log: Log,
  arrival: Arrival,
): Promise<{ readonly table: TableName; readonly written: number }> {
  const { family, program } = model;
  const hooked = found.filter(({ baseChains }) => baseChains.length > 0).map(({ name }) => name);
  const name = TABLE_NAMES.find((candidate) => !hooked.includes(candidate)) ?? TABLE_NAMES[0];
  for (const leftover of found.filter((table) => table.name === name)) {
    await nft.apply(document([deleteTableCommand(family, leftover.name)]));
  }
  const staged = nft.load(stagedProgramText(program, name));
  model.restart([]);
  const written = await drain(model, nft, name, log, isolateRefused(model, nft, name, log), staged, arrival);
  const old = found.filter((table) => table.name !== name).map((table) => deleteTableCommand(family, table.name));
  await nft.apply(document([...hookCommands(program, name), ...old]));
  log.info('the rules are in force', { family, table: name, elements: written });
  return { table: name, written };
}

/** The live table among those found, if there is exactly one and it is whole. */
export function liveTable(found: readonly FoundTable[], model: FamilyModel): FoundTable | undefined {
  return found.length === 1 && found[0] !== undefined && isLive(found[0], model.program) ? found[0] : undefined;
}

/** The document that brings one transaction into a table; undefined for an empty one. */
export function documentOf(model: FamilyModel, table: TableName, transaction: Transaction): string | undefined {
  if (sizeOf(transaction) === 0) return undefined;
  return document(transactionCommands(model.family, table, transaction, model.setDialect));
}

/** Gets a transaction that nft refused, and what nft said. Rethrows what it cannot mend. */
type Mend = (transaction: Transaction, error: unknown) => Promise<void>;

/**
 * Sends transactions until the model has no more; returns the number of element operations. While nft works on one, or
 * on what is `inFlight` at the start, the next is prepared.
 */
async function drain(
  model: FamilyModel,
  nft: Nft,
  table: TableName,
  log: Log,
  mend: Mend,
  inFlight = Promise.resolve(),
  arrival = ARRIVED,
): Promise<number> {
  let written = 0;
  let reported = performance.now();
  do {
    while (!arrival.isComplete && !model.hasEarlyBatch) await arrival.more();
    const transaction = model.nextTransaction(arrival.isComplete);
    const json = documentOf(model, table, transaction);
    await inFlight;
    if (json === undefined) continue;
    inFlight = nft.apply(json).catch((error) => mend(transaction, error));
    // A failure is for the await above or below; this keeps Node from calling it unhandled in between.
    inFlight.catch(() => undefined);
    written += sizeOf(transaction);
    if (performance.now() - reported > PROGRESS_INTERVAL * 1000) {
      reported = performance.now();
      log.info('programming', { family: model.family, elements: written });
    }
  } while (!arrival.isComplete || model.isDirty);
  await inFlight;
  return written;
}

const giveUp: Mend = (_, error) => Promise.reject(error);

/**
 * For a staged table, where a transaction need not be atomic: halves of one that nft refused are tried until the
 * refused elements stand alone. They are left out with an error each, and all the rest is served.
 */
function isolateRefused(model: FamilyModel, nft: Nft, table: TableName, log: Log): Mend {
  let refused = 0;
  return async function mend({ adds, deletes }, error): Promise<void> {
    const [element] = adds;
    const hopeless = !(error instanceof NftError) || error.failure !== 'refused' || refused >= MAX_REFUSED;
    if (hopeless || element === undefined || deletes.length > 0) throw error;
    if (adds.length === 1) {
      refused++;
      model.ruleset.refuse(element);
      const { container, key, comment } = element;
      log.error(`nft refuses an element, it is left out: ${error.message}`, { set: container.name, key, comment });
      return;
    }
    const middle = Math.ceil(adds.length / 2);
    for (const half of [adds.slice(0, middle), adds.slice(middle)]) {
      const part = { deletes: [], adds: half };
      await nft.apply(documentOf(model, table, part) ?? '').catch((failure) => mend(part, failure));
    }
  };
}
