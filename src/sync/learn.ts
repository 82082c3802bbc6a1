import type { ElementDifference } from '../audit/drift.ts';
import { elementDifferences } from '../audit/element-differences.ts';
import { NftError } from '../nft/run.ts';
import { lookAtElements } from '../nft/table-look.ts';
import { OBJECTS } from '../ruleset/program/objects.ts';
import type { Sent, Target } from './sender.ts';
import { inSlices } from './slices.ts';

/** After so many transactions in a row that met something else than was known, the kernel is read from end to end. */
export const LESSONS = 3;

/** True if a transaction was refused since the kernel does not hold what the model knows of it. */
export function isDrift(error: unknown): error is NftError {
  if (!(error instanceof NftError)) return false;
  return error.failure === 'not-found' || (error.failure === 'refused' && error.message.includes('File exists'));
}

/** What the kernel was found to hold in another way than was known. */
export interface Lesson {
  /** Of the transaction: the next one goes by it. */
  readonly learnt: readonly ElementDifference[];
  /** What else differs in the same sets and maps, and is to be mended. */
  readonly others: readonly ElementDifference[];
}

/** Seconds that nft is given to list what a transaction was about. */
const TIMEOUT = 20;

/**
 * After a transaction that was refused for drift, of which nothing is in force: takes it back, and lists the sets and maps
 * that it was about. The next one goes by what they hold. Other changes wait for that listing only (0.4 s for 15,000
 * endpoints); to read and compare the whole table takes many times as long. Undefined where this cannot be done: then the
 * transaction is as it was.
 */
export async function learn({ model, nft, table }: Target, { transaction, undo }: Sent): Promise<Lesson | undefined> {
  const { ruleset, program } = model;
  const all = new Set([...transaction.deletes, ...transaction.adds].map(({ setOrMap }) => setOrMap));
  // Chains have no listing of their own: the rules are looked at soon.
  const setsAndMaps = [...all].filter((setOrMap) => !OBJECTS.includes(setOrMap));
  if (undo === undefined || setsAndMaps.length === 0) return undefined;
  try {
    const looks = [];
    for (const setOrMap of setsAndMaps) {
      const { contents } = await lookAtElements(nft, program, table, setOrMap, { timeout: TIMEOUT });
      looks.push({ setOrMap, listed: contents?.elements ?? [] });
    }
    undo();
    const learnt: ElementDifference[] = [];
    const others: ElementDifference[] = [];
    for (const { setOrMap, listed } of looks) {
      const news = ruleset.learn(setOrMap, new Map(listed.map((element) => [element.key, element])));
      // Others may take what counts; it is needed no more than before.
      if (setOrMap.counts) continue;
      learnt.push(...news);
      others.push(...(await inSlices(elementDifferences(setOrMap, listed, ruleset.inKernel(setOrMap)))));
    }
    return { learnt, others };
  } catch (error) {
    // The table itself may be gone: what reads it next says so.
    if (error instanceof NftError) return undefined;
    throw error;
  }
}
