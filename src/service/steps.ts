/** Work that can stop between two steps; each takes a few milliseconds at most. */
export type Steps<Result> = Generator<undefined, Result>;

/** Does all of it at once. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Items that are gone through in one step, where each is the work of a microsecond or two. */
export const ITEMS_OF_STEP = 2048;

/** True for the last place in a list that belongs to a step. */
export function endsStep(place: number): boolean {
  return place % ITEMS_OF_STEP === ITEMS_OF_STEP - 1;
}

/** Calls `action` for each item: thousands of them in one step. */
export function* eachInSteps<T>(items: Iterable<T>, action: (item: T) => void): Steps<void> {
  let left = ITEMS_OF_STEP;
  for (const item of items) {
    action(item);
    if (--left > 0) continue;
    left = ITEMS_OF_STEP;
    yield;
  }
}

/** What Array.prototype.flatMap returns, for an `action` that gives one item or none (undefined). */
export function* mapInSteps<T, U>(items: Iterable<T>, action: (item: T) => U | undefined): Steps<U[]> {
  const made: U[] = [];
  yield* eachInSteps(items, (item) => {
    const one = action(item);
    if (one !== undefined) made.push(one);
  });
  return made;
}
