/**
 * The smallest sample that at least `percent` % of the samples do not exceed (nearest rank: always one that was
 * measured). Throws for no samples.
 */
export function percentile(samples: readonly number[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * samples.length));
  const value = samples.toSorted((a, b) => a - b)[rank - 1];
  if (value === undefined) throw new Error('no samples');
  return value;
}

/** The middle sample; the mean of the two in the middle of an even number. Throws for no samples. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || high === undefined) throw new Error('no samples');
  return (low + high) / 2;
}

/** `items` begun at another one each turn, so that none of what is compared always comes first. */
export function rotated<T>(items: readonly T[], turn: number): readonly T[] {
  const start = turn % Math.max(1, items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}

/** The arithmetic mean. Throws for no samples. */
export function mean(samples: readonly number[]): number {
  if (samples.length === 0) throw new Error('no samples');
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}
