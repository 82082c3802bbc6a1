/** Who writes a change: our syncer, or a bare nft command, from a file that is written first or lies there already. */
export const WRITERS = ['ours', 'bare', 'bare, file at hand'] as const;

export type Writer = (typeof WRITERS)[number];

/**
 * The changes of one Service's endpoints, in the order they are made: with five endpoints at the start, the first two
 * stay within the capacity of eight slots; the last two cross to four and back, which moves the frontend's verdict.
 */
export const CHANGES = ['added', 'removed', 'removed, verdict moves', 'added, verdict moves'] as const;

/** How one change went. */
export interface ChangeDone {
  /** Event in → acknowledged. */
  readonly milliseconds: number;
  readonly transactions: number;
  /** Elements added and deleted. */
  readonly operations: number;
}
