import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between checks for new objects. */
const LOOK_INTERVAL = 50;

/** The initial delivery of a source, while it is in progress. */
export interface InitialSync {
  /** Whether the whole cluster is known. */
  readonly isComplete: boolean;
  /** Resolves when it is. */
  readonly whenComplete: Promise<void>;
  /** Resolves when it is complete, or when more may have arrived. */
  more(): Promise<void>;
}

/** For those who start when everything is known. */
export const INITIAL_SYNC_DONE: InitialSync = {
  isComplete: true,
  whenComplete: Promise.resolve(),
  more: () => Promise.resolve(),
};

/** An initial sync that is complete once `complete` is called. */
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
