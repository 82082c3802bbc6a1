import type { Element } from '../ruleset/elements/element.ts';
import { isHeartbeat } from '../ruleset/program/heartbeat.ts';
import { atOnce } from '../service/steps.ts';
import type { FamilyModel } from '../sync/family-model.ts';

/** Brings a model to the state of a daemon that is ready, starting from what was found in the kernel. */
export function settle(model: FamilyModel, found: readonly Element[]): void {
  const drain = () => {
    while (model.isDirty) model.nextTransaction();
  };
  model.restart(found.filter((element) => !isHeartbeat(element)));
  const { counting } = model.ruleset;
  const was = counting.isOn;
  drain();
  // On the way, the number of elements exceeded the limit for counters.
  if (counting.isOn !== was) {
    model.nodeChanged();
    drain();
  }
  atOnce(model.ruleset.dropUnreferenced());
  drain();
}
