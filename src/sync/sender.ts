import { document, transactionCommands } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { deepestFirst, sizeOf, type Transaction } from '../ruleset/model/transaction.ts';
import { MAX_WEIGHT } from './batch-sizes.ts';
import { cleaningUp } from './cleanup-error.ts';
import type { FamilyModel } from './family-model.ts';
import { inSlices, letOthersWork } from './slices.ts';

/** The table that transactions go to. */
export interface Target {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly table: TableName;
  /** False for a table without hooks. No packet reaches it, so the order does not matter. */
  readonly isLive: boolean;
}

/** A transaction of the model, with what the sender has to know about it. */
export interface Sent {
  readonly transaction: Transaction;
  /** It only deletes what nobody needs any more. */
  readonly isCleanup: boolean;
  /** The frontends that it changes (see frontendKey). Default: none. */
  readonly frontends?: readonly string[];
  /** Takes it back in the model, if the kernel did not accept it. */
  readonly undo?: () => void;
  /** Commands that follow it, in the same document if it fits into one. */
  readonly last?: readonly string[];
  /** The transaction in encoded form, if it was encoded in advance (see encoded). */
  readonly documents?: readonly string[];
}

/** Milliseconds between two slices of work that go to arriving objects, at most: four fifths of the time. */
const FOR_ARRIVALS = 40;

/** Operations. It takes about 10 ms to encode so many, and to note that they are in force. */
const LARGE = 1000;

/** Milliseconds for others between making a large transaction, starting nft, and what follows its end, at most. */
const FOR_REQUESTS = 10;

/**
 * The next transaction of the model, made in slices of 5 ms. While `isComplete` is false, initial objects still arrive, and
 * nft should be able to start early.
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

/** Encodes a transaction in advance, while nft still works on the previous one. */
export function encoded(target: Target, sent: Sent): Sent {
  return { ...sent, documents: documentsOf(target, sent) };
}

/**
 * Sends a transaction to the kernel. Nothing else does so. An empty transaction is not sent.
 * @throws NftError; CleanupError if only a deletion of what is no longer needed failed
 */
export async function send(target: Target, sent: Sent): Promise<void> {
  const { documents = documentsOf(target, sent), isCleanup } = sent;
  const isLarge = sizeOf(sent.transaction) >= LARGE;
  if (isLarge) await letOthersWork(FOR_REQUESTS);
  for (const [i, each] of documents.entries()) {
    const applied = target.nft.apply(each);
    await (isCleanup ? cleaningUp(applied) : i === 0 ? applied : applied.catch(afterPart));
  }
  if (isLarge) await letOthersWork(FOR_REQUESTS);
}

/** The documents for nft, in order. */
function documentsOf({ model, table, isLive }: Target, { transaction, last = [] }: Sent): readonly string[] {
  const parts = isLive ? deepestFirst(transaction, model.program.hops) : [transaction];
  return parts.flatMap((part, i) => {
    const commands = transactionCommands(model.family, table, part, model.setSyntax);
    const all = i === parts.length - 1 ? [...commands, ...last] : commands;
    return all.length === 0 ? [] : [document(all)];
  });
}

/** A part of the transaction is in force already, so a refusal now does not leave everything unchanged. */
function afterPart(error: unknown): never {
  if (error instanceof NftError && ['refused', 'not-found'].includes(error.failure))
    throw new NftError('unknown-outcome', error.message);
  throw error;
}

/** True if the content of a transaction may be the reason why it failed: nft refused it, took too long, or crashed. */
export function isForContent(error: unknown): error is NftError {
  return error instanceof NftError && (error.failure === 'refused' || error.failure === 'unknown-outcome');
}

/** True if nothing of a transaction is in force, and there is no sign that the table differs from the model. */
export function isCleanRefusal(error: unknown): boolean {
  return error instanceof NftError && error.failure === 'refused' && !error.message.includes('File exists');
}
