import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { ApiFailure } from './failure.ts';

/**
 * Logs each problem of the API server once when it begins and once when it is over, regardless of how many attempts and
 * reflectors have it.
 */
export class ProblemLog {
  readonly #log: Log;
  readonly #server: () => string;
  readonly #onProblem: (failure: ApiFailure) => void;
  readonly #onWorks: (works: boolean) => void;
  readonly #current = new Map<string, string>();

  /**
   * `onProblem` is called with each failure, even if it is not logged again; `onWorks` when something begins to fail, and
   * when everything works again.
   */
  constructor(
    log: Log,
    server: () => string,
    onProblem: (failure: ApiFailure) => void = () => undefined,
    onWorks: (works: boolean) => void = () => undefined,
  ) {
    this.#onProblem = onProblem;
    this.#onWorks = onWorks;
    this.#log = log;
    this.#server = server;
  }

  /** `who` (the resource being listed and watched) has this problem now. */
  report(who: string, error: unknown): void {
    if (error instanceof ApiFailure) this.#onProblem(error);
    const text = error instanceof ApiFailure ? `${error.code}: ${error.message}` : messageOf(error);
    if (this.#current.size === 0) this.#onWorks(false);
    const known = [...this.#current.values()].includes(text);
    this.#current.set(who, text);
    if (known) this.#log.detail(3, text, { resource: who });
    else this.#log.warn(text);
  }

  /** `who` works again, or still. */
  clear(who: string): void {
    if (!this.#current.delete(who) || this.#current.size > 0) return;
    this.#onWorks(true);
    this.#log.info(`API server ${this.#server()} works again`);
  }
}
