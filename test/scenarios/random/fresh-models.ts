import type { Family } from '../../../src/ip.ts';
import { type Kind, keyOf } from '../../../src/objects/decode.ts';
import { atOnce } from '../../../src/service/steps.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import { nodeModels } from '../runner/node-models.ts';
import type { RawObject } from '../runner/objects.ts';

/** Models as of a daemon that begins now. They keep nothing but the program, which takes long to build. */
export class FreshModels {
  readonly #daemon: ReturnType<typeof nodeModels>;
  readonly #held: (readonly [Kind, string])[] = [];

  constructor(flags: readonly string[]) {
    this.#daemon = nodeModels(flags);
  }

  /** With nothing in the kernel, and the objects in this order. Good until the next call. */
  of(objects: readonly RawObject[]): ReadonlyMap<Family, FamilyModel> {
    const { cluster, decode, models, drain } = this.#daemon;
    for (const [kind, key] of this.#held.splice(0)) cluster.delete(kind, key);
    for (const raw of objects) {
      const object = decode(raw.kind, raw);
      cluster.set(object);
      this.#held.push([raw.kind, keyOf(object)]);
    }
    atOnce(cluster.settleNodesSteps());
    for (const model of models) model.restart([]);
    drain();
    return new Map(models.map((model) => [model.family, model]));
  }
}
