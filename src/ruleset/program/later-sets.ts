import type { Family } from '../../ip.ts';
import type { Container } from '../elements/set-or-map.ts';
import { containerText } from './program-text.ts';
import { containersOf } from './sets-and-maps.ts';

/** A set or map that comes with its first element, as text. For JSON see nft/json/set-json.ts. */
export function laterSetText(family: Family, name: string): string {
  return containerText(laterSetNamed(family, name), []);
}

/** A set or map that comes with its first element, by its name. */
export function laterSetNamed(family: Family, name: string): Container {
  const container = containersOf(family).find((one) => one.name === name);
  if (container === undefined) throw new Error(`no program has a set ${name}`);
  return container;
}
