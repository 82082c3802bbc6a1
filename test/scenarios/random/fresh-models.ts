import { asConfigured } from '../../../src/cli/as-configured.ts';
import { createModels } from '../../../src/cli/models.ts';
import { parseArguments } from '../../../src/cli/parse-arguments.ts';
import { FAMILIES, type Family } from '../../../src/ip.ts';
import { decodeObject, type Kind, keyOf } from '../../../src/objects/decode.ts';
import { Cluster } from '../../../src/service/cluster.ts';
import { atOnce } from '../../../src/service/steps.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import { recordingLog } from '../../builders/recording-log.ts';
import { THIS_NODE } from '../runner/cast.ts';
import type { RawObject } from '../runner/objects.ts';

/** Models as of a daemon that begins now. They keep nothing but the program, which takes long to build. */
export class FreshModels {
  readonly #args: ReturnType<typeof parseArguments>;
  readonly #cluster: Cluster;
  readonly #models: readonly FamilyModel[];
  readonly #held: (readonly [Kind, string])[] = [];

  constructor(flags: readonly string[]) {
    this.#args = parseArguments(['--hostname-override', THIS_NODE, ...flags]);
    this.#cluster = new Cluster(THIS_NODE, this.#args);
    this.#models = createModels(this.#cluster, FAMILIES, this.#args, recordingLog().log);
  }

  /** With nothing in the kernel, and the objects in this order. Good until the next call. */
  of(objects: readonly RawObject[]): ReadonlyMap<Family, FamilyModel> {
    for (const [kind, key] of this.#held.splice(0)) this.#cluster.delete(kind, key);
    for (const raw of objects) {
      const decoded = decodeObject(raw.kind, raw);
      if (decoded.object === undefined) throw new Error(decoded.problem);
      this.#cluster.set(asConfigured(decoded.object, this.#args));
      this.#held.push([raw.kind, keyOf(decoded.object)]);
    }
    atOnce(this.#cluster.settleNodesSteps());
    for (const model of this.#models) {
      model.restart([]);
      do model.nextTransaction();
      while (model.isDirty);
    }
    return new Map(this.#models.map((model) => [model.family, model]));
  }
}
