import { pauseAfter } from '../host/backoff.ts';
import type { Log } from '../log.ts';
import type { NftError } from './run.ts';
import { NftSession } from './session.ts';

/** Milliseconds. A session needs only a few for a transaction, so if it takes this long, the machine is in trouble. */
const TIMEOUT = 10_000;

/**
 * After this many characters and lines a session is replaced. nft (libedit) keeps what it has read, and goes through all of
 * it for each line: for every thousand earlier transactions, a transaction takes 0.25 ms more CPU time.
 */
const MAX_SENT = 2 * 1024 * 1024;
const MAX_COUNT = 1000;

/** Milliseconds that a caller waits for another one. After that, its own process is faster. */
const PATIENCE = 1000;

/**
 * Kilobytes. A session uses about 10,000, regardless of our table. But nft keeps what it has read of other tables: it reads
 * their interval sets for any transaction, and 100,000 elements are 130,000 kilobytes.
 */
const MAX_MEMORY = 64 * 1024;

/** Memory is checked once in this many uses: a check costs a twentieth of a small transaction. */
const MEMORY_CHECKS = 16;

/**
 * Milliseconds of CPU time. A transaction of one element takes less than 1 (2 cores, nft 1.0.6), regardless of our table.
 */
const SLOW = 2.5;

/** Milliseconds without a session after the second death in a row: the first pause, doubled each time up to the second. */
const PAUSES = { first: 1000, most: 60_000 };

/** Milliseconds. If a session has lived this long, its death does not count as one in a row. */
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
  /** Called once if even the cheapest transactions are slow, with the milliseconds of CPU time that one takes. */
  readonly onSlow?: (milliseconds: number) => void;
  /** Milliseconds from which a transaction counts as slow; for tests. */
  readonly slow?: number;
}

/**
 * Keeps one session ready. Its users take turns. The session is opened in the background, and so is its replacement. Until
 * then, transactions go to processes of their own.
 */
export class SessionKeeper {
  readonly #options: KeeperOptions;
  #current: NftSession | undefined;
  /** Takes over before the next transaction, never during one. */
  #next: NftSession | undefined;
  #opening: Promise<void> | undefined;
  #opened = 0;
  #deaths = 0;
  #openedAt = 0;
  #notBefore = 0;
  #closed = false;
  #isInUse = false;
  /** Callers who wait for their turn, in order. Each is called when its turn has come. */
  readonly #queue: (() => void)[] = [];
  #toldSlow = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Opens a session if there is no usable one. Resolves when it is ready or has failed; never rejects. */
  open(): Promise<void> {
    const isThere = this.#next !== undefined || (this.#current !== undefined && !isWornOut(this.#current));
    if (this.#closed || isThere || performance.now() < this.#notBefore) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /**
   * Lets the session do some work when its turn has come. If there is no session, or other work takes long, it does
   * `otherwise`.
   */
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

  /** The session to use; undefined if the caller should use its own process. */
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
   * Checks the memory of a session. If it uses too much, it ends after the transaction in flight, and the longest pause
   * follows. To be called during that transaction, because nothing waits for the check then.
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

  /** There are no sessions from now on. */
  close(): void {
    this.#closed = true;
    for (const session of [this.#current, this.#next]) session?.close();
    this.#current = undefined;
    this.#next = undefined;
  }

  /** Waits for the work in progress. Resolves to true if the caller is next, and to false if that takes too long. */
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

  /** A session that failed to open for another reason than a crash or the time limit will never open. */
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
