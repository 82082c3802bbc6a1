import type { Log } from '../log.ts';
import { hookCommands } from '../nft/json/program-json.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableContents } from '../nft/table-reader.ts';
import { deleteTableCommand, type FoundTable, isLive, readTable, TABLE_NAMES, type TableName } from '../nft/tables.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { sizeOf, type Transaction } from '../ruleset/model/transaction.ts';
import { stagedProgramText } from '../ruleset/program/program-text.ts';
import { MAX_WEIGHT } from './batch-sizes.ts';
import { carryClients } from './carry-clients.ts';
import { carryCounts } from './carry-counts.ts';
import { cleaningUp } from './cleanup-error.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import type { FamilyModel } from './family-model.ts';
import { INITIAL_SYNC_DONE, type InitialSync } from './initial-sync.ts';
import { madeBy } from './made-by.ts';
import { encoded, isCleanRefusal, isForContent, nextOf, type Sent, send, type Target } from './sender.ts';
import { inSlices } from './slices.ts';

/** Seconds between two lines of progress on a long fill. */
const PROGRESS_INTERVAL = 2;

/** The maximum weight of a transaction for a table in force. It is lower, because other changes wait for it. */
const LIVE_WEIGHT = MAX_WEIGHT / 2;

/** A rebuild gives up after nft has refused this many single elements: then the elements are not the reason. */
const MAX_REFUSED = 16;

/**
 * Reads a table that may be live, while objects still arrive. If the objects are complete first, frontends are computed in
 * the meantime, as far as possible without the table.
 * @throws NftError
 */
export async function readDuringInitialSync(
  model: FamilyModel,
  nft: Nft,
  table: TableName,
  initialSync: InitialSync,
): Promise<TableContents> {
  const reading = readTable(nft, model.program, table);
  // After the initial sync the model is in use. It stays as it is until the reading is complete.
  if (initialSync.isComplete) return reading;
  let isRead = false;
  let ahead = Promise.resolve();
  void initialSync.whenComplete.then(() => {
    if (!isRead) ahead = inSlices(model.workOutAheadSteps());
  });
  try {
    return await reading;
  } finally {
    isRead = true;
    await ahead;
  }
}

/**
 * Makes model and kernel equal, for a table that is already live: writes the differences to what was found in it. Returns
 * the number of element operations.
 */
export async function adoptTable(
  model: FamilyModel,
  nft: Nft,
  table: FoundTable,
  found: readonly Element[],
  log: Log,
): Promise<number> {
  await inSlices(model.restartSteps(found));
  const rest = { model, nft, table: table.name, isLive: true, log };
  let written = await drain(rest);
  await inSlices(model.ruleset.dropUnreferenced());
  written += await drain(rest);
  log.info('the rules of the last run are in force and up to date', { family: model.family, written });
  return written;
}

/**
 * Builds a new table beside existing ones, in bounded transactions. No packet reaches it yet. This may begin while Services
 * still arrive. Once they are complete, the last transaction makes the table live and deletes the old one. For a table that
 * was lost, see refillTable.
 */
export async function replaceTable(
  model: FamilyModel,
  nft: Nft,
  found: readonly FoundTable[],
  log: Log,
  initialSync: InitialSync,
): Promise<{ readonly table: TableName; readonly written: number }> {
  const { family, program } = model;
  const hooked = found.filter(({ baseChains }) => baseChains.length > 0).map(({ name }) => name);
  const name = TABLE_NAMES.find((candidate) => !hooked.includes(candidate)) ?? TABLE_NAMES[0];
  for (const leftover of found.filter((table) => table.name === name)) {
    await cleaningUp(nft.apply(document([deleteTableCommand(family, leftover.name)])));
  }
  const old = found.filter((table) => table.name !== name).map((table) => deleteTableCommand(family, table.name));
  if (hooked.length === 0 && initialSync.isComplete && model.ruleset.size > 0) {
    return { table: name, written: await refillTable({ model, nft, table: name }, old, log) };
  }
  const staged = nft.load(stagedProgramText(program, name));
  // drain handles a failure, but it may wait for objects first. This keeps Node from reporting an unhandled rejection until
  // then.
  staged.catch(() => undefined);
  model.restart([]);
  const target: Target = { model, nft, table: name, isLive: false };
  const repair = isolateRefused(target, log);
  const last = [...hookCommands(program, name), ...old];
  const from = hooked.find((other) => other !== name);
  const filling = { ...target, log, repair, initialSync, inFlight: staged };
  const written = await drain(from === undefined ? { ...filling, last } : filling);
  if (from !== undefined) {
    await trySuspects(target);
    await carryClients(target, from, log);
    await carryCounts(target, from, log);
    await nft.apply(document(last));
  }
  log.info('the rules are in force', { family, table: name, elements: written });
  return { table: name, written };
}

/**
 * Builds a table again that was lost while it served. No Service is served at this point, so the hooks come first, not last:
 * each Service, and its changes, waits only until its turn has come. Namespaces take turns. Returns the number of element
 * operations.
 */
async function refillTable(
  { model, nft, table }: Pick<Target, 'model' | 'nft' | 'table'>,
  old: readonly string[],
  log: Log,
): Promise<number> {
  const { family, program } = model;
  const begun = nft
    .load(stagedProgramText(program, table))
    .then(() => nft.apply(document([...hookCommands(program, table), ...old])));
  // drain handles a failure. This keeps Node from reporting an unhandled rejection until then.
  begun.catch(() => undefined);
  await inSlices(model.restartSteps([]));
  const written = await drain({ model, nft, table, isLive: true, log, inFlight: begun, maxWeight: LIVE_WEIGHT });
  log.info('the rules are in force', { family, table, elements: written });
  return written;
}

/**
 * Tries the suspects before a new table replaces one that may serve them. Otherwise they would not be served until it is
 * their turn. Usually an nft was killed, and its input is correct. A group that kills nft again is tried in the new table,
 * so it delays all others only once.
 */
async function trySuspects(target: Target): Promise<void> {
  const { suspects, ruleset } = target.model;
  while (suspects.mayDelay) {
    const transaction = suspects.transaction();
    const undo = ruleset.lastUndo;
    try {
      await send(target, { transaction, isCleanup: false });
      suspects.passed();
    } catch (error) {
      if (!isForContent(error)) throw error;
      if (!isCleanRefusal(error)) {
        suspects.endedNft();
        throw error;
      }
      undo();
      suspects.failed(SYSTEM_CLOCK.now(), error.message);
    }
  }
}

/** The live table among those found, if there is exactly one and it is complete. */
export function liveTable(found: readonly FoundTable[], model: FamilyModel): FoundTable | undefined {
  return found.length === 1 && found[0] !== undefined && isLive(found[0], model.program) ? found[0] : undefined;
}

/** Handles a transaction that nft refused, with nft's error. Throws the error again if it cannot help. */
type Repair = (transaction: Transaction, error: unknown) => Promise<void>;

interface Drain extends Target {
  readonly log: Log;
  readonly repair?: Repair;
  /** What nft works on at the beginning. */
  readonly inFlight?: Promise<void>;
  readonly initialSync?: InitialSync;
  /** The maximum weight of a transaction. */
  readonly maxWeight?: number;
  /** Commands that go with the last transaction. Once they are in force, nothing more is sent. */
  readonly last?: readonly string[];
}

/**
 * Sends transactions until the model has no more. Returns the number of element operations. While nft works on one
 * transaction, the next is prepared.
 */
async function drain({ log, repair = giveUp, last, maxWeight = MAX_WEIGHT, ...rest }: Drain): Promise<number> {
  const { model, initialSync = INITIAL_SYNC_DONE } = rest;
  let { inFlight = Promise.resolve() } = rest;
  let written = 0;
  let reported = performance.now();
  let wasComplete = false;
  do {
    while (!initialSync.isComplete && !model.hasEarlyBatch) await initialSync.more();
    wasComplete = initialSync.isComplete;
    const made = await nextOf(rest, { isComplete: wasComplete, maxWeight });
    const isLast = last !== undefined && wasComplete && !model.isDirty;
    const next = encoded(rest, isLast ? { ...made, last } : made);
    await inFlight;
    written += sizeOf(next.transaction);
    if (isLast) {
      await sendLast(rest, next, repair);
      return written;
    }
    inFlight = send(rest, next).catch((error) => {
      suspectAfter(rest, next, error);
      return repair(next.transaction, error);
    });
    // The awaits above and below handle a failure. This keeps Node from reporting an unhandled rejection in between.
    inFlight.catch(() => undefined);
    if (performance.now() - reported > PROGRESS_INTERVAL * 1000) {
      reported = performance.now();
      log.info('programming', { family: model.family, elements: written });
    }
  } while (last !== undefined || !wasComplete || model.isDirty);
  await inFlight;
  return written;
}

/**
 * Makes suspects of the frontends in a failed transaction. This does not happen if an nft was killed over a batch of a
 * staged table: usually it has too little memory. In a staged table, refused elements are found directly.
 */
function suspectAfter({ model, isLive }: Target, { transaction, frontends = [] }: Sent, error: unknown): void {
  if (!isForContent(error) || !(isLive || error.isTooSlow)) return;
  model.suspects.add(frontends, error, sizeOf(transaction));
}

/** One process instead of two, which makes a difference at the start of a small cluster. */
async function sendLast(target: Target, sent: Sent, repair: Repair): Promise<void> {
  try {
    await send(target, sent);
  } catch (error) {
    suspectAfter(target, sent, error);
    await repair(sent.transaction, error);
    await target.nft.apply(document(sent.last ?? []));
  }
}

const giveUp: Repair = (_, error) => Promise.reject(error);

/**
 * For a staged table, whose transactions need not be atomic: halves a refused transaction until each refused element is
 * isolated. These are left out, each with an error. All others are served.
 */
function isolateRefused(target: Target, log: Log): Repair {
  let refused = 0;
  return async function repair({ adds, deletes }, error): Promise<void> {
    const [element] = adds;
    const hopeless = !(error instanceof NftError) || error.failure !== 'refused' || refused >= MAX_REFUSED;
    if (hopeless || element === undefined || deletes.length > 0) throw error;
    if (adds.length === 1) {
      refused++;
      target.model.ruleset.refuse(element);
      const { setOrMap, key, comment } = element;
      log.error('nft refuses an element, leaving it out', error.message, {
        ...{ set: setOrMap.name, key, comment },
        madeBy: madeBy([element], target.model),
      });
      return;
    }
    const middle = Math.ceil(adds.length / 2);
    for (const half of [adds.slice(0, middle), adds.slice(middle)]) {
      const transaction = { deletes: [], adds: half };
      await send(target, { transaction, isCleanup: false }).catch((failure) => repair(transaction, failure));
    }
  };
}
