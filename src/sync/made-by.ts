import type { Element } from '../ruleset/elements/element.ts';
import { originOf } from '../ruleset/model/element-origin.ts';
import { serviceKeyOf } from '../service/frontend.ts';
import type { FamilyModel } from './family-model.ts';

/** The maximum number of elements that are looked up: each makes all elements of its Service again. */
const MAX_ELEMENTS = 16;

/**
 * The lines of our source that made these elements of Services, for the log entry about a refusal:
 * "src/ruleset/model/frontend-elements.ts:133". Each line occurs once. Undefined if there are none, or too many elements.
 */
export function madeBy(
  elements: readonly Element[],
  model: Pick<FamilyModel, 'frontendsOf' | 'ruleset'>,
): string | undefined {
  if (elements.length > MAX_ELEMENTS) return undefined;
  const lines = elements.flatMap((element) => {
    // The comment of an element names its ServicePort.
    const frontends = model.frontendsOf(serviceKeyOf({ servicePort: element.comment }));
    return originOf(element, frontends, (frontend, list) => model.ruleset.planFor(frontend, list)) ?? [];
  });
  return lines.length === 0 ? undefined : [...new Set(lines)].join(', ');
}
