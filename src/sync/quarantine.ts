import { isDeepStrictEqual } from 'node:util';
import { pauseAfter } from '../host/backoff.ts';
import type { Frontend } from '../service/frontend.ts';

/** Milliseconds until a refused frontend is tried again: the first pause, doubled each time up to the last. */
const PAUSES = { first: 30_000, most: 3_600_000 };

/** A frontend that is left out. */
interface Held {
  /** As it was when nft refused it. */
  readonly frontend: Frontend | undefined;
  readonly failures: number;
  /** Milliseconds, on the caller's clock. */
  readonly retryAt: number;
}

/**
 * Which frontends are suspects, because a transaction that contained them failed, and which are left out, because they also
 * failed on their own. Frontends are identified by their keys. If a group of suspects fails, it is halved, and never tried
 * again as it was.
 */
export class Quarantine {
  #groups: (readonly string[])[] = [];
  readonly #suspects = new Set<string>();
  readonly #held = new Map<string, Held>();

  /** The next group to try; undefined if there are no suspects. */
  get next(): readonly string[] | undefined {
    return this.#groups[0];
  }

  /** All suspects. */
  get suspects(): ReadonlySet<string> {
    return this.#suspects;
  }

  /** All that are left out. */
  get held(): Iterable<string> {
    return this.#held.keys();
  }

  isHeld(key: string): boolean {
    return this.#held.has(key);
  }

  /** Makes suspects of frontends that failed together. Returns those that were not suspects before. */
  suspect(keys: readonly string[]): readonly string[] {
    const group = keys.filter((key) => !this.#suspects.has(key));
    for (const key of group) this.#suspects.add(key);
    // Halved if nothing else failed.
    const isSame = group.length === keys.length && group.length > 1;
    this.#groups.push(...(isSame ? halvesOf(group) : [group]).filter(({ length }) => length > 0));
    return group;
  }

  /** The next group was accepted: none of its frontends is a suspect or left out any more. Returns them. */
  passed(): readonly string[] {
    const group = this.#groups.shift() ?? [];
    for (const key of group) this.#forget(key);
    return group;
  }

  /** The next group failed. Its halves are next. If it is a single frontend, it is left out and returned. */
  failed(now: number, frontendOf: (key: string) => Frontend | undefined): string | undefined {
    const group = this.#groups.shift() ?? [];
    const [key] = group;
    if (group.length > 1) {
      this.#groups.unshift(...halvesOf(group));
      return undefined;
    }
    if (key === undefined) return undefined;
    const failures = (this.#held.get(key)?.failures ?? 0) + 1;
    this.#suspects.delete(key);
    this.#held.set(key, { frontend: frontendOf(key), failures, retryAt: now + pauseAfter(failures, PAUSES) });
    return key;
  }

  /** True if a frontend is left out and unchanged. If it is gone or has changed, it is worth another try. */
  keepsOut(key: string, frontend: Frontend | undefined): boolean {
    const held = this.#held.get(key);
    return held !== undefined && !this.#suspects.has(key) && isDeepStrictEqual(held.frontend, frontend);
  }

  /** Those left out that are due for another try. Each is returned once, and then counts as changed. */
  due(now: number): readonly string[] {
    const due = [...this.#held].filter(
      ([key, { retryAt, frontend }]) => retryAt <= now && frontend !== undefined && !this.#suspects.has(key),
    );
    for (const [key, { failures, retryAt }] of due) this.#held.set(key, { frontend: undefined, failures, retryAt });
    return due.map(([key]) => key);
  }

  /** Nobody claims this frontend any more. */
  gone(key: string): void {
    if (!this.#suspects.has(key)) this.#held.delete(key);
  }

  #forget(key: string): void {
    this.#suspects.delete(key);
    this.#held.delete(key);
  }
}

function halvesOf(group: readonly string[]): readonly (readonly string[])[] {
  const middle = Math.ceil(group.length / 2);
  return [group.slice(0, middle), group.slice(middle)];
}
