import type { Frontend } from '../../service/frontend.ts';
import { atOnce, type Steps } from '../../service/steps.ts';
import { sourcePlace } from '../../source-place.ts';
import type { Element } from '../elements/element.ts';

/** Every element passes through these methods on its way into a plan. The line that calls them is the one to name. */
const ON_THE_WAY = /[\s.](?:push|#add|#count) /;

/** The maximum number of endpoints, over all frontends, whose elements are made again. It takes a few milliseconds. */
const MAX_ENDPOINTS = 1_000;

/** A list that notes which line of our source puts each of the wanted elements into it. */
class TracedElements extends Array<Element> {
  readonly places = new Set<string>();
  readonly #wanted: ReadonlySet<string>;

  constructor(wanted: ReadonlySet<string>) {
    super();
    this.#wanted = wanted;
  }

  override push(...elements: Element[]): number {
    if (elements.some((element) => this.#wanted.has(idOf(element)))) {
      const [, ...callers] = (new Error().stack ?? '').split('\n');
      const caller = callers.find((line) => !ON_THE_WAY.test(line.replace(/\(.*/, '')));
      this.places.add(sourcePlace(caller ?? ''));
    }
    return super.push(...elements);
  }
}

/**
 * The lines of our source that make these elements of these frontends, each once: to explain a refusal by nft. The frontends are
 * planned again, each once, until MAX_ENDPOINTS is reached: nothing else happens in the meantime.
 * `plan`: plans a frontend, and puts its elements into the given list.
 */
export function originsOf(
  elements: readonly Element[],
  frontends: Iterable<Frontend>,
  plan: (frontend: Frontend, elements: Element[]) => Steps<unknown>,
): readonly string[] {
  const traced = new TracedElements(new Set(elements.map(idOf)));
  let left = MAX_ENDPOINTS;
  for (const frontend of frontends) {
    left -= 1 + frontend.endpoints.length + frontend.localEndpoints.length;
    if (left < 0) break;
    atOnce(plan(frontend, traced));
  }
  return [...traced.places];
}

function idOf({ setOrMap, key }: Element): string {
  return `${setOrMap.name} ${key}`;
}
