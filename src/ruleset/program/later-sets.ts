import type { Family } from '../../ip.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { setOrMapText } from './program-text.ts';
import { setsAndMapsOf } from './sets-and-maps.ts';

/** A set or map that is created with its first element, as text. For JSON see nft/json/set-json.ts. */
export function laterSetText(family: Family, name: string): string {
  return setOrMapText(laterSetNamed(family, name), []);
}

/** A set or map that is created with its first element, by name. */
export function laterSetNamed(family: Family, name: string): SetOrMap {
  const setOrMap = setsAndMapsOf(family).find((one) => one.name === name);
  if (setOrMap === undefined) throw new Error(`no program has a set ${name}`);
  return setOrMap;
}
