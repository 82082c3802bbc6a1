import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks at what has come meanwhile. */
const LOOK_INTERVAL = 50;

/** The first delivery of a source, while it comes. */
export interface InitialSync {
  /** Whether the whole cluster is known. */
  readonly isComplete: boolean;
  /** Resolves when it is. */
  readonly whenComplete: Promise<void>;
  /** Resolves when it is, or more may have come. */
  more(): Promise<void>;
}

/** For those who begin when everything is known. */
export const INITIAL_SYNC_DONE: InitialSync = {
  isComplete: true,
  whenComplete: Promise.resolve(),
  more: () => Promise.resolve(),
};

/** An arrival that is complete once `complete` is called. */
export function createInitialSync(): { readonly initialSync: InitialSync; complete(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isComplete = false;
  return {
    initialSync: {
      get isComplete() {
        return isComplete;
      },
      whenComplete: promise,
      more: () => Promise.race([promise, sleep(LOOK_INTERVAL)]),
    },
    complete() {
      isComplete = true;
      resolve();
    },
  };
}
