import type { Frontend } from '../../service/frontend.ts';
import { atOnce, type Steps } from '../../service/steps.ts';
import { sourcePlace } from '../../source-place.ts';
import type { Element } from '../elements/element.ts';

/** The methods that all elements pass through on their way into a plan: what calls them is of interest. */
const ON_THE_WAY = /[\s.](?:push|#add|#count) /;

/** A list that notes which line of our source puts an element into it. */
class TracedElements extends Array<Element> {
  readonly places = new Map<string, string>();

  override push(...elements: Element[]): number {
    const [, ...callers] = (new Error().stack ?? '').split('\n');
    const caller = callers.find((line) => !ON_THE_WAY.test(line.replace(/\(.*/, '')));
    for (const element of elements) this.places.set(idOf(element), sourcePlace(caller ?? ''));
    return super.push(...elements);
  }
}

/**
 * The line of our source that makes an element of one of these frontends; undefined if none of them has it. It makes them all
 * once more, with a stack trace for each: only to explain a refusal, which is a fault of that line or of nft.
 * `plan`: makes a frontend's elements, into the list that it is given.
 */
export function originOf(
  element: Element,
  frontends: Iterable<Frontend>,
  plan: (frontend: Frontend, elements: Element[]) => Steps<unknown>,
): string | undefined {
  for (const frontend of frontends) {
    const traced = new TracedElements();
    atOnce(plan(frontend, traced));
    const place = traced.places.get(idOf(element));
    if (place !== undefined) return place;
  }
  return undefined;
}

function idOf({ setOrMap, key }: Element): string {
  return `${setOrMap.name} ${key}`;
}
