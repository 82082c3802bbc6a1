import { document, transactionCommands } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { deepestFirst, type Transaction } from '../ruleset/model/transaction.ts';
import { MAX_WEIGHT } from './batch-sizes.ts';
import { cleaningUp } from './cleanup-error.ts';
import type { FamilyModel } from './family-model.ts';
import { inSlices } from './slices.ts';

/** The table that transactions go to. */
export interface Target {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly table: TableName;
  /** False for a table without hooks: no packet meets it, so nothing need be sent in an order. */
  readonly isLive: boolean;
}

/** A transaction of the model, and what it is for. */
export interface Sent {
  readonly transaction: Transaction;
  /** It only deletes what nobody needs any more. */
  readonly isCleanup: boolean;
  /** The frontends that it changes (see frontendKey). Default: none. */
  readonly frontends?: readonly string[];
  /** Takes it back in the model, for when the kernel did not take it. */
  readonly undo?: () => void;
  /** Commands that come after it, in the same document if it is one. */
  readonly last?: readonly string[];
  /** It is encoded already (see encoded). */
  readonly documents?: readonly string[];
}

/** Milliseconds that go to what arrives between two slices of work on a transaction, at most: four fifths of the time. */
const FOR_ARRIVALS = 40;

/**
 * The next transaction of the model, made in slices of 10 ms. With `isComplete` false, objects still arrive for the first
 * time: nft is to have something to do early.
 */
export async function nextOf(
  { model }: Pick<Target, 'model'>,
  { isComplete = true, maxWeight = MAX_WEIGHT } = {},
): Promise<Sent> {
  const isCleanup = isComplete && !model.isBehind;
  const others = isComplete ? FOR_ARRIVALS : 0;
  const next = await inSlices(model.transactionSteps(isComplete, maxWeight), { others });
  return { ...next, isCleanup, undo: model.ruleset.lastUndo };
}

/** The same, with nothing left to do but to send it: for when nft still works on the one before. */
export function encoded(target: Target, sent: Sent): Sent {
  return { ...sent, documents: documentsOf(target, sent) };
}

/**
 * Brings a transaction to the kernel: the one way there is. An empty one is not sent.
 * @throws NftError; CleanupError if what could not be deleted is all that is wrong
 */
export async function send(target: Target, sent: Sent): Promise<void> {
  const { documents = documentsOf(target, sent), isCleanup } = sent;
  for (const [i, each] of documents.entries()) {
    const applied = target.nft.apply(each);
    await (isCleanup ? cleaningUp(applied) : i === 0 ? applied : applied.catch(afterPart));
  }
}

/** What nft is given for it, one after the other. */
function documentsOf({ model, table, isLive }: Target, { transaction, last = [] }: Sent): readonly string[] {
  const parts = isLive ? deepestFirst(transaction, model.program.hops) : [transaction];
  return parts.flatMap((part, i) => {
    const commands = transactionCommands(model.family, table, part, model.setSyntax);
    const all = i === parts.length - 1 ? [...commands, ...last] : commands;
    return all.length === 0 ? [] : [document(all)];
  });
}

/** Part of the transaction is in force already: what nft refuses now does not leave all as it was. */
function afterPart(error: unknown): never {
  if (error instanceof NftError && ['refused', 'not-found'].includes(error.failure))
    throw new NftError('unknown-outcome', error.message);
  throw error;
}

/** True if a transaction may have failed for what is in it: nft refused it, took too long for it, or crashed. */
export function isForContent(error: unknown): error is NftError {
  return error instanceof NftError && (error.failure === 'refused' || error.failure === 'unknown-outcome');
}

/** True if nothing of a transaction is in force, and the table is not known to be other than it should be. */
export function isCleanRefusal(error: unknown): boolean {
  return error instanceof NftError && error.failure === 'refused' && !error.message.includes('File exists');
}
