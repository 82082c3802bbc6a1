import type { Log } from '../../log.ts';
import { decodeObject, type Kind, rawKey } from '../../objects/decode.ts';
import type { SourceListener } from '../source.ts';
import { stateOf } from './raw-object.ts';

/** Problems remembered so as not to say them twice. Beyond that the oldest are forgotten. */
const MAX_PROBLEMS = 1000;

/** Stands for whatever was left out of an object that is valid. */
const REMARKED = 'left out';

/**
 * What the listener has been told about one kind: keys and versions only, since a large cluster has tens of
 * thousands of objects and the listener keeps them already. Tells it the differences.
 */
export class KnownObjects {
  readonly #kind: Kind;
  readonly #listener: SourceListener;
  readonly #log: Log;
  /** Key → what tells the state last seen, valid or not, from others (`stateOf`). */
  readonly #states = new Map<string, string>();
  /** Of these, the keys of which the listener knows no version: none was valid so far. */
  readonly #neverValid = new Set<string>();
  /** Key → the problem last warned of. */
  readonly #problems = new Map<string, string>();
  #listed: Set<string> | undefined;

  constructor(kind: Kind, listener: SourceListener, log: Log) {
    this.#kind = kind;
    this.#listener = listener;
    this.#log = log;
  }

  /** A list begins, perhaps again: until it ends nothing counts as gone. */
  beginList(): void {
    this.#listed = new Set();
  }

  /** The list is complete: what it did not hold is gone. */
  endList(): void {
    const listed = this.#listed ?? new Set();
    this.#listed = undefined;
    for (const key of this.#states.keys()) {
      if (!listed.has(key)) this.#forget(key);
    }
  }

  /** An object as the server sent it: new, changed, or known already. */
  put(raw: unknown): void {
    const key = rawKey(this.#kind, raw);
    if (key === undefined) {
      const unnamed = decodeObject(this.#kind, raw);
      if (unnamed.object === undefined) this.#warn('', unnamed.problem);
      return;
    }
    this.#listed?.add(key);
    const state = stateOf(raw);
    if (state !== '' && this.#states.get(key) === state) return;
    const isNew = !this.#states.has(key);
    this.#states.set(key, state);
    const decoded = decodeObject(this.#kind, raw);
    if (decoded.object === undefined) {
      if (isNew) this.#neverValid.add(key);
      this.#warn(key, decoded.problem);
      return;
    }
    this.#neverValid.delete(key);
    if (decoded.remark === undefined) this.#problems.delete(key);
    // Once for an object: what exactly is left out of it may change with each version.
    else if (this.#isNews(key, REMARKED)) this.#log.warn(decoded.remark);
    this.#listener.changed(decoded.object);
  }

  /** The server says that this object is gone. */
  remove(raw: unknown): void {
    const key = rawKey(this.#kind, raw);
    if (key !== undefined && this.#states.has(key)) this.#forget(key);
  }

  #forget(key: string): void {
    this.#states.delete(key);
    this.#problems.delete(key);
    if (!this.#neverValid.delete(key)) this.#listener.deleted(this.#kind, key);
  }

  #warn(key: string, problem: string): void {
    if (!this.#isNews(key, problem)) return;
    const kept = key === '' || this.#neverValid.has(key) ? 'skipped' : 'its last valid version stays in force';
    this.#log.warn(`${problem}; ${kept}`);
  }

  /** False if this is what was last warned of for the object. */
  #isNews(key: string, problem: string): boolean {
    if (this.#problems.get(key) === problem) return false;
    this.#problems.delete(key);
    this.#problems.set(key, problem);
    const [oldest] = this.#problems.keys();
    if (this.#problems.size > MAX_PROBLEMS && oldest !== undefined) this.#problems.delete(oldest);
    return true;
  }
}
