import { isDeepStrictEqual } from 'node:util';
import { pauseAfter } from '../host/backoff.ts';
import type { Frontend } from '../service/frontend.ts';

/** Milliseconds until what nft did not take is tried again: doubled each time, up to the last. */
const PAUSES = { first: 30_000, most: 3_600_000 };

/** A frontend that is left out. */
interface Held {
  /** As it was when nft did not take it. */
  readonly frontend: Frontend | undefined;
  readonly failures: number;
  /** Milliseconds, on the clock of who calls. */
  readonly retryAt: number;
}

/**
 * Which frontends are under suspicion, since a transaction with them failed, and which are left out, since nft did not take
 * them alone either. Frontends by their keys. A group of suspects that fails is halved, and never tried again as it was.
 */
export class Quarantine {
  #groups: (readonly string[])[] = [];
  readonly #suspects = new Set<string>();
  readonly #held = new Map<string, Held>();

  /** The group to be tried next; undefined if nobody is under suspicion. */
  get next(): readonly string[] | undefined {
    return this.#groups[0];
  }

  /** All who are under suspicion. */
  get suspects(): ReadonlySet<string> {
    return this.#suspects;
  }

  /** All who are left out. */
  get held(): Iterable<string> {
    return this.#held.keys();
  }

  isHeld(key: string): boolean {
    return this.#held.has(key);
  }

  /** Puts those under suspicion that are not yet, since they failed together; returns them. */
  suspect(keys: readonly string[]): readonly string[] {
    const group = keys.filter((key) => !this.#suspects.has(key));
    for (const key of group) this.#suspects.add(key);
    // Halved if it is all that failed.
    const isSame = group.length === keys.length && group.length > 1;
    this.#groups.push(...(isSame ? halvesOf(group) : [group]).filter(({ length }) => length > 0));
    return group;
  }

  /** The next group was taken: none of it is under suspicion or left out any more. Returns it. */
  passed(): readonly string[] {
    const group = this.#groups.shift() ?? [];
    for (const key of group) this.#forget(key);
    return group;
  }

  /** The next group failed: its halves are next, or it is one frontend, which is left out from now on and returned. */
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

  /** True if a frontend is left out, and still is as it was. One that is gone, or has changed, is worth another try. */
  keepsOut(key: string, frontend: Frontend | undefined): boolean {
    const held = this.#held.get(key);
    return held !== undefined && !this.#suspects.has(key) && isDeepStrictEqual(held.frontend, frontend);
  }

  /** Those left out whose time to be tried again has come; each is told once, and then differs from what it was. */
  due(now: number): readonly string[] {
    const due = [...this.#held].filter(
      ([key, { retryAt, frontend }]) => retryAt <= now && frontend !== undefined && !this.#suspects.has(key),
    );
    for (const [key, { failures, retryAt }] of due) this.#held.set(key, { frontend: undefined, failures, retryAt });
    return due.map(([key]) => key);
  }

  /** Nobody claims a frontend any more. */
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
