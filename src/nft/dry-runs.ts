import { pauseAfter } from '../host/backoff.ts';
import type { Log } from '../log.ts';
import { DryRunSession } from './dry-run-session.ts';
import { NftError } from './run.ts';

/** Milliseconds. A dry run takes about twenty, mostly waiting for the kernel. */
const TIMEOUT = 10_000;

/** After this many dry runs a session is replaced, see NftSession. */
const MAX_COUNT = 1000;

/** Kilobytes. A session uses 6,000, or 15,000 with 4,000 endpoints that have session affinity. */
const MAX_MEMORY = 64 * 1024;

/** Milliseconds without a session after a failure: the first pause, doubled for each failure in a row, up to the last. */
const PAUSES = { first: 1_000, most: 60_000 };

export interface DryRunsOptions {
  /** The executable, as for runNft. */
  readonly nft: string;
  /** See NftSession. */
  readonly runDir: string;
  readonly log: Log;
}

/** Has the kernel try documents, one after the other, in a session that opens with the first. */
export class DryRuns {
  readonly #options: DryRunsOptions;
  #session: DryRunSession | undefined;
  /** The previous dry run. */
  #last: Promise<unknown> = Promise.resolve();
  #notBefore = 0;
  /** Sessions that failed in a row. */
  #failures = 0;
  #isClosed = false;

  constructor(options: DryRunsOptions) {
    this.#options = options;
  }

  /**
   * Tries a document in nft's own language. Nothing of it comes into force.
   * @throws NftError: not-found if something that it names does not exist; not-started if dry runs are not possible now
   */
  check(document: string): Promise<void> {
    const checked = this.#last.then(() => this.#check(document));
    this.#last = checked.catch(() => undefined);
    return checked;
  }

  /** Stops all dry runs. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  async #check(document: string): Promise<void> {
    if (this.#isClosed || performance.now() < this.#notBefore)
      throw new NftError('not-started', 'there is no session for dry runs');
    // Somebody may have killed the session. Unlike a transaction, a failed dry run can be repeated.
    if (this.#session?.isOpen === false) this.#drop();
    const isFirst = this.#session === undefined;
    try {
      await this.#try(document).catch((error) => {
        if (isFirst || this.#isClosed || this.#session !== undefined) throw error;
        return this.#try(document);
      });
    } finally {
      const { count = 0, memory = 0 } = this.#session ?? {};
      if (this.#isClosed || count >= MAX_COUNT) this.#drop();
      else if (memory > MAX_MEMORY) this.#pause(PAUSES.most);
    }
  }

  /** A session that fails is dropped. */
  async #try(document: string): Promise<void> {
    const { nft, runDir, log } = this.#options;
    try {
      this.#session ??= await DryRunSession.open({ nft, runDir, timeout: TIMEOUT });
      await this.#session.check(document);
      this.#works();
    } catch (error) {
      if (error instanceof NftError && error.failure === 'not-found') {
        // The document is at fault; the session works.
        this.#works();
        throw error;
      }
      this.#pause(pauseAfter(++this.#failures, PAUSES));
      if (!this.#isClosed) log.detail(1, `a session of nft for dry runs ended: ${(error as Error).message}`);
      throw error;
    }
  }

  #works(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }

  #pause(milliseconds: number): void {
    this.#notBefore = performance.now() + milliseconds;
    this.#drop();
  }

  #drop(): void {
    this.#session?.close();
    this.#session = undefined;
  }
}
