import { pauseAfter } from '../host/backoff.ts';
import type { Log } from '../log.ts';
import type { NftError } from './run.ts';
import { NftSession } from './session.ts';

/** Milliseconds. A transaction that a session takes needs a few, so this is a machine in trouble. */
const TIMEOUT = 10_000;

/**
 * Characters and lines after which a session is replaced. nft (libedit) keeps what it has read, and goes through all of it
 * for each line: a transaction takes 0.25 ms more of its CPU time for every thousand before it.
 */
const MAX_SENT = 2 * 1024 * 1024;
const MAX_COUNT = 1000;

/** Milliseconds that a user waits for another one; then a process of its own is the faster way. */
const PATIENCE = 1000;

/**
 * Kilobytes. A session has about 10,000, whatever our table holds; but nft keeps what it has read of others' tables:
 * 100,000 elements of their interval sets, which it reads for any transaction, are 130,000.
 */
const MAX_MEMORY = 64 * 1024;

/** Its memory is looked at once in so many uses: a look costs a twentieth of a small transaction. */
const MEMORY_CHECKS = 16;

/** Milliseconds of CPU time. A transaction of one element takes less than 1 (2 cores, nft 1.0.6), whatever our table holds. */
const SLOW = 2.5;

/** Milliseconds without a session after the second death in a row: doubled each time, up to the second. */
const PAUSES = { first: 1000, most: 60_000 };

/** Milliseconds that a session must have lived for its death not to count as one in a row. */
const LONG_LIFE = 60_000;

export interface KeeperOptions {
  readonly nft: string;
  /** See SessionOptions. */
  readonly runDir: string;
  readonly log: Log;
  /** Milliseconds; for tests. */
  readonly timeout?: number;
  /** Kilobytes; for tests. */
  readonly maxMemory?: number;
  /** Told once if even the cheapest transactions are slow: how many milliseconds of CPU time one takes. */
  readonly onSlow?: (milliseconds: number) => void;
  /** Milliseconds from which on a transaction is slow; for tests. */
  readonly slow?: number;
}

/**
 * Keeps one session at hand, for all who use it by turns. It is opened in the background, and so is the one that replaces
 * it; until then there is none, and transactions go to processes of their own.
 */
export class SessionKeeper {
  readonly #options: KeeperOptions;
  #current: NftSession | undefined;
  /** Takes over at the next transaction: never in the middle of one. */
  #next: NftSession | undefined;
  #opening: Promise<void> | undefined;
  #opened = 0;
  #deaths = 0;
  #openedAt = 0;
  #notBefore = 0;
  #closed = false;
  #isInUse = false;
  /** Those who wait for their turn, in order; each is told when it is. */
  readonly #queue: (() => void)[] = [];
  #toldSlow = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Opens a session if there is none that can go on. Resolves when it is there or has failed; never rejects. */
  open(): Promise<void> {
    const isThere = this.#next !== undefined || (this.#current !== undefined && !isWornOut(this.#current));
    if (this.#closed || isThere || performance.now() < this.#notBefore) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Has the session do some work when its turn comes; if there is no session, or another work takes long, `otherwise`. */
  async use<T>(work: (session: NftSession) => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
    if (!this.#isInUse) this.#isInUse = true;
    else if (!(await this.#turn())) return otherwise();
    try {
      const session = this.session();
      if (session === undefined) return otherwise();
      const outcome = work(session);
      if (session.count % MEMORY_CHECKS === 0) this.checkMemory(session);
      return await outcome;
    } finally {
      this.#checkCost();
      const next = this.#queue.shift();
      if (next === undefined) this.#isInUse = false;
      else next();
    }
  }

  /** The session to use, or undefined if a process of its own is to do it. */
  session(): NftSession | undefined {
    if (this.#next !== undefined) {
      this.#current?.close();
      this.#current = this.#next;
      this.#next = undefined;
    }
    void this.open();
    return this.#current;
  }

  /**
   * Looks at the memory of a session; one with too much ends after the transaction in flight, and it takes the longest
   * pause until the next. To be called while that transaction is under way: nothing waits for it then.
   */
  checkMemory(session: NftSession): void {
    const { maxMemory = MAX_MEMORY } = this.#options;
    const { memory } = session;
    if (memory <= maxMemory || session !== this.#current) return;
    this.#current = undefined;
    this.#notBefore = performance.now() + PAUSES.most;
    this.#options.log.detail(1, 'a session of nft has grown large and is closed', { kilobytes: memory });
    session.close();
  }

  #checkCost(): void {
    const { slow = SLOW, onSlow } = this.#options;
    const cost = this.#current?.cheapest;
    if (this.#toldSlow || cost === undefined || cost < slow) return;
    this.#toldSlow = true;
    onSlow?.(cost);
  }

  /** From now on there is no session. */
  close(): void {
    this.#closed = true;
    for (const session of [this.#current, this.#next]) session?.close();
    this.#current = undefined;
    this.#next = undefined;
  }

  /** Waits until the one at work is done: true if this is next then, false if that takes too long. */
  #turn(): Promise<boolean> {
    return new Promise((resolve) => {
      const onTurn = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#queue.splice(this.#queue.indexOf(onTurn), 1);
        resolve(false);
      }, PATIENCE);
      this.#queue.push(onTurn);
    });
  }

  async #open(): Promise<void> {
    const { nft, runDir, timeout = TIMEOUT } = this.#options;
    this.#openedAt = performance.now();
    let isOpen = false;
    try {
      const session = await NftSession.open({
        nft,
        runDir,
        timeout,
        onEnd: (error) => isOpen && this.#died(session, error),
      });
      isOpen = true;
      this.#opened++;
      this.#next = session;
      if (this.#closed) this.close();
    } catch (error) {
      this.#failedToOpen(error as NftError);
    }
  }

  /** A session that never opened, for another reason than a crash or the time limit, never will. */
  #failedToOpen(error: NftError): void {
    if (this.#opened > 0 || ['unknown-outcome', 'not-started'].includes(error.failure)) {
      this.#pause(error);
      return;
    }
    this.#closed = true;
    this.#options.log.detail(
      1,
      `nft has no usable interactive mode, each transaction gets its own process: ${error.message}`,
    );
  }

  #died(session: NftSession, error: NftError): void {
    if (this.#current === session) this.#current = undefined;
    if (this.#next === session) this.#next = undefined;
    if (performance.now() - this.#openedAt > LONG_LIFE) this.#deaths = 0;
    this.#pause(error);
  }

  #pause(error: NftError): void {
    this.#deaths++;
    const pause = pauseAfter(this.#deaths - 1, PAUSES);
    this.#notBefore = performance.now() + pause;
    this.#options.log.detail(1, `a session of nft ended: ${error.message}`, { deaths: this.#deaths, pauseMs: pause });
  }
}

function isWornOut({ sent, count }: NftSession): boolean {
  return sent > MAX_SENT || count > MAX_COUNT;
}
