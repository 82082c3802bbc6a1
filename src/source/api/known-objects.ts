import type { Log } from '../../log.ts';
import { decodeInParts, type Kind, rawKey } from '../../objects/decode.ts';
import type { Parts } from '../../objects/fields.ts';
import { ObjectProblems } from '../object-problems.ts';
import type { SourceListener } from '../source.ts';
import { stateOf } from './raw-object.ts';

/**
 * What the listener has been told about one kind: only keys and versions, because a large cluster has tens of thousands of
 * objects, and the listener stores them already. It reports the differences to the listener.
 */
export class KnownObjects {
  readonly #kind: Kind;
  readonly #listener: SourceListener;
  /** Key → the last seen state (`stateOf`), valid or not. */
  readonly #states = new Map<string, string>();
  /** The keys among them of which no version was valid so far, so the listener knows none. */
  readonly #neverValid = new Set<string>();
  /** By key, which is empty for objects without one. */
  readonly #problems: ObjectProblems;
  #listed: Set<string> | undefined;

  constructor(kind: Kind, listener: SourceListener, log: Log) {
    this.#kind = kind;
    this.#listener = listener;
    this.#problems = new ObjectProblems(log);
  }

  /** A list begins, possibly again. Until it ends, nothing counts as gone. */
  beginList(): void {
    this.#listed = new Set();
  }

  /** The list is complete: what was not in it is gone. */
  endList(): void {
    const listed = this.#listed ?? new Set();
    for (const key of this.#states.keys()) {
      if (!listed.has(key)) this.#forget(key);
    }
    this.#listed = undefined;
  }

  /** Objects as the server sent them. Calls `put` for each. */
  *putAll(items: readonly unknown[]): Parts<void> {
    for (const item of items) {
      yield* this.put(item);
      yield;
    }
  }

  /** An object as the server sent it: new, changed, or already known. Nothing else may happen between its parts. */
  *put(raw: unknown): Parts<void> {
    const key = rawKey(this.#kind, raw);
    if (key === undefined) {
      const unnamed = yield* decodeInParts(this.#kind, raw);
      if (unnamed.object === undefined) this.#problems.invalid('', unnamed.problem, false);
      return;
    }
    this.#listed?.add(key);
    const state = stateOf(raw);
    if (state !== '' && this.#states.get(key) === state) return;
    const isNew = !this.#states.has(key);
    this.#states.set(key, state);
    const decoded = yield* decodeInParts(this.#kind, raw);
    if (decoded.object === undefined) {
      if (isNew) this.#neverValid.add(key);
      this.#problems.invalid(key, decoded.problem, !this.#neverValid.has(key));
      return;
    }
    this.#neverValid.delete(key);
    if (decoded.remark === undefined) this.#problems.clear(key);
    else this.#problems.remark(key, decoded.remark);
    this.#listener.changed(decoded.object, this.#listed !== undefined);
  }

  /** The server says that this object is gone. */
  remove(raw: unknown): void {
    const key = rawKey(this.#kind, raw);
    if (key !== undefined && this.#states.has(key)) this.#forget(key);
  }

  #forget(key: string): void {
    this.#states.delete(key);
    this.#problems.clear(key);
    if (!this.#neverValid.delete(key)) this.#listener.deleted(this.#kind, key, this.#listed !== undefined);
  }
}
