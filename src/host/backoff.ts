/** Pauses that double with each failure, in the caller's unit. */
export interface Backoff {
  readonly first: number;
  readonly most: number;
}

/** More doublings than we ever need; 2 ** 1100 would be Infinity. */
const MOST_DOUBLINGS = 30;

/** The pause after this many failures in a row: 0 after none, then the first pause, doubled each time up to the longest. */
export function pauseAfter(failures: number, { first, most }: Backoff): number {
  return failures <= 0 ? 0 : Math.min(most, first * 2 ** Math.min(failures - 1, MOST_DOUBLINGS));
}

/**
 * A random moment in the second half of a pause. So nodes that failed together do not return together, and failures do not
 * stay in step with their cause.
 */
export function spread(pause: number): number {
  return (pause / 2) * (1 + Math.random());
}
