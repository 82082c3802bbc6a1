import { isDeepStrictEqual } from 'node:util';
import { joined } from '../objects/compact.ts';
import { type Kind, type KubeObject, keyOf } from '../objects/decode.ts';
import type { Steps } from '../service/steps.ts';
import type { SourceListener } from '../source/source.ts';
import { inSlices } from '../sync/slices.ts';

/** An object that was changed or, if absent, deleted. */
interface Arrived {
  readonly kind: Kind;
  readonly key: string;
  readonly object: KubeObject | undefined;
}

/**
 * Stands between a source and its listener. Usually it passes on what arrives. If objects of a saved state stand in for what
 * the source has not delivered, it holds back what arrives until everything has arrived, and then reports the differences to
 * the listener, all at once. While a list arrives in parts, there would otherwise be Services without endpoints, or with
 * endpoints from another time.
 */
export class TakeOver implements SourceListener {
  readonly #listener: SourceListener;
  /** What was passed on before the source was complete: newer than any saved state. Undefined from then on. */
  #early: Set<string> | undefined = new Set();
  /** The stand-ins that the source has not yet confirmed. Undefined while there are none. */
  #unconfirmed: Map<string, KubeObject> | undefined;
  readonly #held = new Map<string, Arrived>();

  constructor(listener: SourceListener) {
    this.#listener = listener;
  }

  /**
   * Passes on the objects of a saved state that the source has not delivered yet, while others get turns. Resolves to false
   * if the source has delivered everything before or in the meantime, so that nothing has to stand in.
   */
  async standIn(objects: Iterable<KubeObject>): Promise<boolean> {
    const early = this.#early;
    if (early === undefined || this.#unconfirmed !== undefined) return false;
    const unconfirmed = new Map<string, KubeObject>();
    this.#unconfirmed = unconfirmed;
    await inSlices(this.#steps(objects, early, unconfirmed));
    return this.#unconfirmed === unconfirmed;
  }

  *#steps(
    objects: Iterable<KubeObject>,
    early: ReadonlySet<string>,
    unconfirmed: Map<string, KubeObject>,
  ): Steps<void> {
    for (const object of objects) {
      yield;
      if (this.#unconfirmed !== unconfirmed) return;
      const id = idOf(object.kind, keyOf(object));
      // What arrived in the meantime is newer, too, and is held back.
      if (early.has(id)) continue;
      unconfirmed.set(id, object);
      this.#listener.changed(object);
    }
  }

  changed(object: KubeObject, isListed?: boolean): void {
    const key = keyOf(object);
    if (this.#unconfirmed === undefined) {
      this.#early?.add(idOf(object.kind, key));
      this.#listener.changed(object, isListed);
      return;
    }
    const id = idOf(object.kind, key);
    if (isDeepStrictEqual(this.#unconfirmed.get(id), object)) {
      this.#unconfirmed.delete(id);
      this.#held.delete(id);
    } else this.#held.set(id, { kind: object.kind, key, object });
  }

  deleted(kind: Kind, key: string, isListed?: boolean): void {
    if (this.#unconfirmed === undefined) this.#listener.deleted(kind, key, isListed);
    else this.#held.set(idOf(kind, key), { kind, key, object: undefined });
  }

  synced(): void {
    this.#early = undefined;
    const gone = this.#unconfirmed;
    this.#unconfirmed = undefined;
    for (const { kind, key, object } of this.#held.values()) {
      gone?.delete(idOf(kind, key));
      if (object === undefined) this.#listener.deleted(kind, key, true);
      else this.#listener.changed(object, true);
    }
    this.#held.clear();
    for (const object of gone?.values() ?? []) this.#listener.deleted(object.kind, keyOf(object), true);
    this.#listener.synced();
  }
}

function idOf(kind: Kind, key: string): string {
  return joined(' ', kind, key);
}
