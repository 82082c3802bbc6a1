import type { Log } from '../log.ts';
import { hookCommands } from '../nft/json/program-json.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableContents } from '../nft/table-reader.ts';
import { deleteTableCommand, type FoundTable, isLive, readTable, TABLE_NAMES, type TableName } from '../nft/tables.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { originOf } from '../ruleset/model/element-origin.ts';
import { sizeOf, type Transaction } from '../ruleset/model/transaction.ts';
import { stagedProgramText } from '../ruleset/program/program-text.ts';
import { serviceKeyOf } from '../service/frontend.ts';
import { MAX_WEIGHT } from './batch-sizes.ts';
import { carryClients } from './carry-clients.ts';
import { carryCounts } from './carry-counts.ts';
import { cleaningUp } from './cleanup-error.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import type { FamilyModel } from './family-model.ts';
import { INITIAL_SYNC_DONE, type InitialSync } from './initial-sync.ts';
import { encoded, isCleanRefusal, isForContent, nextOf, type Sent, send, type Target } from './sender.ts';
import { inSlices } from './slices.ts';

/** Seconds between two lines of progress on a long fill. */
const PROGRESS_INTERVAL = 2;

/** What a transaction may weigh in a table in force: others wait for it. */
const LIVE_WEIGHT = MAX_WEIGHT / 2;

/** A rebuild gives up once nft has refused this many single elements: then it is not the elements. */
const MAX_REFUSED = 16;

/**
 * Reads a table that may be live while objects still arrive. Should these be there first, frontends are worked out meanwhile
 * as far as that goes without it.
 * @throws NftError
 */
export async function readDuringInitialSync(
  model: FamilyModel,
  nft: Nft,
  table: TableName,
  initialSync: InitialSync,
): Promise<TableContents> {
  const reading = readTable(nft, model.program, table);
  // Later on the model is in use, and stays whole until there is something better.
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
 * Brings model and kernel to the same state through a table that is already live: writes the difference to what was
 * found in it. Returns the number of element operations.
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
 * Builds the table anew beside whatever is there, out of the packets' way, in bounded transactions; it may begin while
 * Services still arrive. Once they are complete, the last one makes it live and deletes the old. One that was lost is built
 * in the packets' way, see refillTable.
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
  // A failure is for drain, which may wait for objects first; this keeps Node from calling it unhandled until then.
  staged.catch(() => undefined);
  model.restart([]);
  const target: Target = { model, nft, table: name, isLive: false };
  const mend = isolateRefused(target, log);
  const last = [...hookCommands(program, name), ...old];
  const from = hooked.find((other) => other !== name);
  const filling = { ...target, log, mend, initialSync, inFlight: staged };
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
 * Builds a table anew that was lost while it served. Nobody is served by then, so its hooks come first and not last:
 * connections to each Service, and its changes, wait for that Service only, and namespaces take turns. Returns the number of
 * element operations.
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
  // A failure is for drain; this keeps Node from calling it unhandled until then.
  begun.catch(() => undefined);
  await inSlices(model.restartSteps([]));
  const written = await drain({ model, nft, table, isLive: true, log, inFlight: begun, maxWeight: LIVE_WEIGHT });
  log.info('the rules are in force', { family, table, elements: written });
  return written;
}

/**
 * Tries what is under suspicion before a new table takes over from one that may serve it: after that, it would not be served
 * until its turn came. Mostly an nft was killed, and nothing is wrong with what it was given. A group that ends nft again
 * is left to be tried in the new table: it delays all others only once.
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

/** The live table among those found, if there is exactly one and it is whole. */
export function liveTable(found: readonly FoundTable[], model: FamilyModel): FoundTable | undefined {
  return found.length === 1 && found[0] !== undefined && isLive(found[0], model.program) ? found[0] : undefined;
}

/** Gets a transaction that nft refused, and what nft said. Rethrows what it cannot mend. */
type Mend = (transaction: Transaction, error: unknown) => Promise<void>;

interface Drain extends Target {
  readonly log: Log;
  readonly mend?: Mend;
  /** What nft works on at the start. */
  readonly inFlight?: Promise<void>;
  readonly initialSync?: InitialSync;
  /** What a transaction may weigh. */
  readonly maxWeight?: number;
  /** Commands that go with the last transaction; once they are in force, nothing more is sent. */
  readonly last?: readonly string[];
}

/**
 * Sends transactions until the model has no more; returns the number of element operations. While nft works on one, the
 * next is prepared.
 */
async function drain({ log, mend = giveUp, last, maxWeight = MAX_WEIGHT, ...rest }: Drain): Promise<number> {
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
      await sendLast(rest, next, mend);
      return written;
    }
    inFlight = send(rest, next).catch((error) => {
      suspectAfter(rest, next, error);
      return mend(next.transaction, error);
    });
    // A failure is for the await above or below; this keeps Node from calling it unhandled in between.
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
 * What a transaction had that failed is tried apart from all else after this. Not if an nft was killed over a batch of a
 * staged table: mostly it has too little memory. What it refuses is found right there.
 */
function suspectAfter({ model, isLive }: Target, { transaction, frontends = [] }: Sent, error: unknown): void {
  if (!isForContent(error) || !(isLive || error.isTooSlow)) return;
  model.suspects.add(frontends, error, sizeOf(transaction));
}

/** One process instead of two, which a start on a small cluster feels. */
async function sendLast(target: Target, sent: Sent, mend: Mend): Promise<void> {
  try {
    await send(target, sent);
  } catch (error) {
    suspectAfter(target, sent, error);
    await mend(sent.transaction, error);
    await target.nft.apply(document(sent.last ?? []));
  }
}

const giveUp: Mend = (_, error) => Promise.reject(error);

/** The line of our source that made an element of a Service, by its comment. */
function madeByLine(element: Element, model: FamilyModel): string | undefined {
  const frontends = model.frontendsOf(serviceKeyOf({ servicePort: element.comment }));
  return originOf(element, frontends, (frontend, elements) => model.ruleset.planFor(frontend, elements));
}

/**
 * For a staged table, where a transaction need not be atomic: halves of one that nft refused are tried until the
 * refused elements stand alone. They are left out with an error each, and all the rest is served.
 */
function isolateRefused(target: Target, log: Log): Mend {
  let refused = 0;
  return async function mend({ adds, deletes }, error): Promise<void> {
    const [element] = adds;
    const hopeless = !(error instanceof NftError) || error.failure !== 'refused' || refused >= MAX_REFUSED;
    if (hopeless || element === undefined || deletes.length > 0) throw error;
    if (adds.length === 1) {
      refused++;
      target.model.ruleset.refuse(element);
      const { setOrMap, key, comment } = element;
      const madeBy = madeByLine(element, target.model);
      log.error('nft refuses an element, leaving it out', error.message, { set: setOrMap.name, key, comment, madeBy });
      return;
    }
    const middle = Math.ceil(adds.length / 2);
    for (const half of [adds.slice(0, middle), adds.slice(middle)]) {
      const transaction = { deletes: [], adds: half };
      await send(target, { transaction, isCleanup: false }).catch((failure) => mend(transaction, failure));
    }
  };
}
