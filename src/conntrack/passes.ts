import { ConntrackError, type ConntrackFailure } from './conntrack.ts';

/** Seconds until a failed pass is repeated. */
const RETRY_AFTER = { missing: 600, interrupted: 60, failed: 60 };

export interface PassesOptions {
  /** True while there are requests. */
  readonly isNeeded: () => boolean;
  /** One pass over the kernel's flows. It may reject with ConntrackError. */
  readonly pass: () => Promise<void>;
  /** Called when a pass has failed, before the pause. */
  readonly onFailed?: () => void;
  /** Default: see RETRY_AFTER. */
  readonly retryAfter?: Readonly<Record<ConntrackFailure, number>> | undefined;
}

/** Passes over the kernel's flows, one after the other, while there are requests. After a failed pass there is a pause. */
export class Passes {
  readonly #options: PassesOptions;
  #isWorking = false;
  #isStopped = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: PassesOptions) {
    this.#options = options;
  }

  /** True after stop(): a running pass should end. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** True from a failed pass until the next one. */
  get isPaused(): boolean {
    return this.#retry !== undefined;
  }

  /** To be called after a request. Returns at once. */
  start(): void {
    if (this.#isWorking || this.isPaused) return;
    this.#isWorking = true;
    void this.#work();
  }

  /** Permanent. The running command continues until conntrack.stop(). */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  async #work(): Promise<void> {
    const { isNeeded, pass, retryAfter = RETRY_AFTER } = this.#options;
    try {
      while (!this.#isStopped && isNeeded()) await pass();
    } catch (error) {
      if (!(error instanceof ConntrackError)) throw error;
      this.#pause(retryAfter[error.failure]);
    } finally {
      this.#isWorking = false;
    }
  }

  #pause(seconds: number): void {
    if (this.#isStopped) return;
    this.#options.onFailed?.();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.start();
    }, seconds * 1000).unref();
  }
}
