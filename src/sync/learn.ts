import type { ElementDifference } from '../audit/drift.ts';
import { elementDifferences } from '../audit/element-differences.ts';
import { NftError } from '../nft/run.ts';
import { lookAtElements } from '../nft/table-look.ts';
import { OBJECTS } from '../ruleset/program/objects.ts';
import type { Sent, Target } from './sender.ts';
import { inSlices } from './slices.ts';

/** After this many transactions in a row that met something unexpected, the kernel is read from end to end. */
export const LESSONS = 3;

/** True if a transaction was refused because the kernel differs from the model. */
export function isDrift(error: unknown): error is NftError {
  if (!(error instanceof NftError)) return false;
  return error.failure === 'not-found' || (error.failure === 'refused' && error.message.includes('File exists'));
}

/** What the kernel turned out to hold, where the model had something else. */
export interface Lesson {
  /** Elements of the transaction. The next transaction takes them into account. */
  readonly learnt: readonly ElementDifference[];
  /** Other differences in the same sets and maps, which are to be repaired. */
  readonly others: readonly ElementDifference[];
}

/** Seconds that nft may take to list the sets and maps of a transaction. */
const TIMEOUT = 20;

/**
 * To be called after a transaction was refused because of drift, so that nothing of it is in force. It takes the transaction
 * back in the model, and lists the sets and maps involved; the next transaction takes their content into account. Other
 * changes wait only for that listing (0.4 s for 15,000 endpoints). To read and compare the whole table would take many times
 * as long. Returns undefined if this is not possible; then the transaction is unchanged.
 */
export async function learn({ model, nft, table }: Target, { transaction, undo }: Sent): Promise<Lesson | undefined> {
  const { ruleset, program } = model;
  const all = new Set([...transaction.deletes, ...transaction.adds].map(({ setOrMap }) => setOrMap));
  // Chains have no listing of their own. The rules are compared soon.
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
      // Others may delete elements that count. They are no more necessary than before.
      if (setOrMap.counts) continue;
      learnt.push(...news);
      others.push(...(await inSlices(elementDifferences(setOrMap, listed, ruleset.inKernel(setOrMap)))));
    }
    return { learnt, others };
  } catch (error) {
    // The table itself may be gone. The next read will say so.
    if (error instanceof NftError) return undefined;
    throw error;
  }
}
