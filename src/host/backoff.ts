/** Pauses that double with each failure, in whatever unit the caller has. */
export interface Backoff {
  readonly first: number;
  readonly most: number;
}

/** More doublings than any of ours needs; 2 ** 1100 would be Infinity. */
const MOST_DOUBLINGS = 30;

/** The pause after so many failures in a row: 0 after none, then the first one, doubled each time up to the longest. */
export function pauseAfter(failures: number, { first, most }: Backoff): number {
  return failures <= 0 ? 0 : Math.min(most, first * 2 ** Math.min(failures - 1, MOST_DOUBLINGS));
}

/**
 * A moment within the last half of a pause: nodes that failed together do not come back together, and nobody fails again and
 * again in step with what makes it fail.
 */
export function spread(pause: number): number {
  return (pause / 2) * (1 + Math.random());
}
