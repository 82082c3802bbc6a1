import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { ApiFailure } from './failure.ts';

/**
 * Says each problem of the API server once when it begins and once when it is over, however many attempts
 * and reflectors meet it.
 */
export class ProblemLog {
  readonly #log: Log;
  readonly #server: () => string;
  readonly #onProblem: (failure: ApiFailure) => void;
  readonly #onWorks: (works: boolean) => void;
  readonly #current = new Map<string, string>();

  /**
   * `onProblem` is told each failure, also those that are not said again; `onWorks` when something begins to fail, and when
   * nothing does any more.
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
