import type { Log } from '../log.ts';
import { DryRunSession } from './dry-run-session.ts';
import { NftError } from './run.ts';

/** Milliseconds. A dry run takes some twenty, most of them waiting for the kernel. */
const TIMEOUT = 10_000;

/** Dry runs after which a session is replaced, see NftSession. */
const MAX_COUNT = 1000;

/** Kilobytes. A session has 6,000, and 15,000 where 4,000 endpoints have session affinity. */
const MAX_MEMORY = 64 * 1024;

/** Milliseconds without a session after one that failed or grew too large. */
const PAUSE = 60_000;

export interface DryRunsOptions {
  /** The executable, as for runNft. */
  readonly nft: string;
  /** See NftSession. */
  readonly runDir: string;
  readonly log: Log;
}

/** Has the kernel try documents, one after the other, by a session that is there from the first one on. */
export class DryRuns {
  readonly #options: DryRunsOptions;
  #session: DryRunSession | undefined;
  /** The one before the next. */
  #last: Promise<unknown> = Promise.resolve();
  #notBefore = 0;
  #isClosed = false;

  constructor(options: DryRunsOptions) {
    this.#options = options;
  }

  /**
   * Tries a document in nft's own language; nothing of it comes into force.
   * @throws NftError: not-found if something that it names is not there; not-started where none can be tried now
   */
  check(document: string): Promise<void> {
    const checked = this.#last.then(() => this.#check(document));
    this.#last = checked.catch(() => undefined);
    return checked;
  }

  /** From now on nothing is tried. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  async #check(document: string): Promise<void> {
    const { nft, runDir, log } = this.#options;
    if (this.#isClosed || performance.now() < this.#notBefore)
      throw new NftError('not-started', 'there is no session for dry runs');
    try {
      this.#session ??= await DryRunSession.open({ nft, runDir, timeout: TIMEOUT });
      await this.#session.check(document);
    } catch (error) {
      // The document's fault, not the session's.
      if (error instanceof NftError && error.failure === 'not-found') throw error;
      this.#pause();
      if (!this.#isClosed) log.detail(1, `a session of nft for dry runs ended: ${(error as Error).message}`);
      throw error;
    }
    if (this.#isClosed || this.#session.count >= MAX_COUNT) this.#drop();
    else if (this.#session.memory > MAX_MEMORY) this.#pause();
  }

  #pause(): void {
    this.#notBefore = performance.now() + PAUSE;
    this.#drop();
  }

  #drop(): void {
    this.#session?.close();
    this.#session = undefined;
  }
}
