/** In this many steps an endpoint reaches its full share of new connections. */
export const SLOW_START_STEPS = 8;

/** The start of an endpoint that has been ready for a long time. */
export const LONG_SINCE = Number.NEGATIVE_INFINITY;

/**
 * The step, 1 to SLOW_START_STEPS, at `now` of an endpoint that was first seen ready at `since`; both in milliseconds. All
 * endpoints of a Service take steps at the same moments. So the first step takes up to twice as long as the others, and the
 * last one is reached within the Service's `seconds`.
 */
export function slowStartStep(since: number, now: number, seconds: number): number {
  const step = millisecondsOf(seconds);
  return Math.min(Math.max(Math.floor(now / step) - Math.floor(since / step), 1), SLOW_START_STEPS);
}

/** The moment of the next step after `now`. */
export function nextSlowStartStep(now: number, seconds: number): number {
  const step = millisecondsOf(seconds);
  return (Math.floor(now / step) + 1) * step;
}

/** A whole number, so that sums are exact, and a step that is due is taken. */
function millisecondsOf(seconds: number): number {
  return (1000 / SLOW_START_STEPS) * seconds;
}
