import { messageOf } from '../errors.ts';
import { pauseAfter } from '../host/backoff.ts';
import { NftError } from '../nft/run.ts';
import type { LooksOptions } from './watch-options.ts';

/** Milliseconds after a listing that did not finish: the first pause, doubled each time up to the last. */
const PAUSES = { first: 5_000, most: 600_000 };

/** Listings that failed in a row. */
export class LookFailures {
  readonly #options: Pick<LooksOptions, 'log' | 'model' | 'onMissing' | 'table'>;
  readonly #what: string;
  #count = 0;
  #saidBlind = false;

  /** `what`: what was listed, for the log. */
  constructor(options: Pick<LooksOptions, 'log' | 'model' | 'onMissing' | 'table'>, what: string) {
    this.#options = options;
    this.#what = what;
  }

  /** Milliseconds until the next attempt; 0 after one that succeeded. */
  get pause(): number {
    return pauseAfter(this.#count, PAUSES);
  }

  succeeded(): void {
    this.#count = 0;
    this.#saidBlind = false;
  }

  /** Logs once in a row why nothing can be compared, unless nft only takes too long. */
  failed(error: unknown): void {
    const { log, model, onMissing, table } = this.#options;
    if (table() === undefined) return;
    this.#count++;
    if (error instanceof NftError && error.failure === 'not-found') onMissing();
    else if (!(error instanceof NftError && error.isTooSlow) && !this.#saidBlind) {
      this.#saidBlind = true;
      log.warn(`${this.#what} in the kernel cannot be compared with the model: ${messageOf(error)}`, {
        family: model.family,
      });
    }
  }
}
