import type { LimitCounts } from '../sync/limits-watch.ts';

/** "40 refused by limit, 2 refused by max-connections"; connections without a limit only if there are any. */
export function limitCountsText({ limited, full, unlimited = 0 }: LimitCounts): string {
  return [
    ...(limited === undefined ? [] : [`${limited} refused by limit`]),
    ...(full === undefined ? [] : [`${full} refused by max-connections`]),
    ...(unlimited === 0 ? [] : [`${unlimited} served without limit`]),
  ].join(', ');
}
