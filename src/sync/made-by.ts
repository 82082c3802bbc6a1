import type { Element } from '../ruleset/elements/element.ts';
import { originsOf } from '../ruleset/model/element-origin.ts';
import { serviceKeyOf } from '../service/frontend.ts';
import type { FamilyModel } from './family-model.ts';

/** The maximum number of elements for which lines are looked up. A larger refusal is not explained by its lines. */
const MAX_ELEMENTS = 16;

/**
 * The lines of our source that made these elements of Services, for the log entry about a refusal:
 * "src/ruleset/model/frontend-elements.ts:133". Undefined if there are none, too many elements, or too many endpoints.
 */
export function madeBy(
  elements: readonly Element[],
  model: Pick<FamilyModel, 'frontendsOf' | 'ruleset'>,
): string | undefined {
  if (elements.length > MAX_ELEMENTS) return undefined;
  // The comment of an element names its ServicePort.
  const services = new Set(elements.map(({ comment }) => serviceKeyOf({ servicePort: comment })));
  const frontends = [...services].flatMap((key) => model.frontendsOf(key));
  const lines = originsOf(elements, frontends, (frontend, list) => model.ruleset.planFor(frontend, list));
  return lines.join(', ') || undefined;
}
