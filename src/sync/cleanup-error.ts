import { messageOf } from '../errors.ts';
import { NftError } from '../nft/run.ts';

/** Something that is no longer needed could not be deleted; `cause` says why. What is needed is not affected. */
export class CleanupError extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.name = 'CleanupError';
  }
}

/**
 * Deletes what is no longer needed.
 * @throws CleanupError if that fails; NftError not-found, because the whole table may be gone
 */
export async function cleaningUp(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw error instanceof NftError && error.failure === 'not-found' ? error : new CleanupError(error);
  }
}
