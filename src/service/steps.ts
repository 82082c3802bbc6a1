/** Work that can be interrupted between steps. Each step takes a few milliseconds at most. */
export type Steps<Result> = Generator<undefined, Result>;

/** Does all of it at once. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** How many items a step goes through, if each takes a microsecond or two. */
export const ITEMS_OF_STEP = 2048;

/** True for the last index of a step in a list. */
export function endsStep(place: number): boolean {
  return place % ITEMS_OF_STEP === ITEMS_OF_STEP - 1;
}

/** Calls `action` for each item, for thousands of items in a step. */
export function* eachInSteps<T>(items: Iterable<T>, action: (item: T) => void): Steps<void> {
  let left = ITEMS_OF_STEP;
  for (const item of items) {
    action(item);
    if (--left > 0) continue;
    left = ITEMS_OF_STEP;
    yield;
  }
}

/** Like Array.prototype.flatMap, for an `action` that returns one item or none (undefined). */
export function* mapInSteps<T, U>(items: Iterable<T>, action: (item: T) => U | undefined): Steps<U[]> {
  const made: U[] = [];
  yield* eachInSteps(items, (item) => {
    const one = action(item);
    if (one !== undefined) made.push(one);
  });
  return made;
}
