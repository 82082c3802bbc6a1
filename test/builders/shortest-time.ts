/** Runs of each. */
const RUNS = 60;

/**
 * Milliseconds that each of some pieces of work takes at least. Works of a few milliseconds are seldom interrupted, and
 * whatever else the machine does only makes a run longer; so the least of many is the work's own. They take turns.
 */
export function shortestTimes<const Works extends readonly (() => void)[]>(
  works: Works,
): { [I in keyof Works]: number };
export function shortestTimes(works: readonly (() => void)[]): readonly number[] {
  const least = works.map(() => Number.POSITIVE_INFINITY);
  for (let run = 0; run < RUNS; run++) {
    for (const [i, work] of works.entries()) {
      const before = performance.now();
      work();
      least[i] = Math.min(least[i] ?? 0, performance.now() - before);
    }
  }
  return least;
}

/** How often growth is measured, if it is more than it may be: on a busy machine even the least of many may be too long. */
const ATTEMPTS = 10;

/** How many times as long `large` takes as `small`, at least; measured again as long as that is not below `limit`. */
export function growth(small: () => void, large: () => void, limit: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && least >= limit; attempt++) {
    const [few, many] = shortestTimes([small, large]);
    least = Math.min(least, many / few);
  }
  return least;
}
