import type { Family } from '../../../src/ip.ts';
import type { Draws } from '../../peer/draws.ts';
import type { ListedElement } from '../table-in-kernel.ts';

/** A pod that answers, and belongs to no Service: who reaches it was led astray. */
const ASTRAY: Readonly<Record<Family, string>> = { ip: '10.32.99.99', ip6: 'fd00:32::99:99' };

interface WithVal {
  readonly elem: { readonly val: unknown };
}

/** An element's key as JSON text, without its comment. */
export function keyOf({ json, isMap }: ListedElement): string {
  const key = isMap ? (json as readonly [unknown, unknown])[0] : json;
  return JSON.stringify(hasVal(key) ? key.elem.val : key);
}

/** The same element with another value. */
export function elementWithOtherValue({ json }: ListedElement, family: Family): readonly [unknown, unknown] {
  const [key, value] = json as readonly [unknown, unknown];
  return [key, otherValue(value, family)];
}

/** An element like this one with a key that none of ours has. */
export function elementWithOtherKey(
  element: ListedElement,
  draws: Draws,
): { readonly json: unknown; readonly key: string } {
  const key = otherKey(JSON.parse(keyOf(element)), draws);
  if (!element.isMap) return { json: key, key: JSON.stringify(key) };
  const [, value] = element.json as readonly [unknown, unknown];
  return { json: [key, value], key: JSON.stringify(key) };
}

function otherValue(value: unknown, family: Family): unknown {
  if (typeof value === 'object' && value !== null && 'concat' in value) return { concat: [ASTRAY[family], 8080] };
  return { drop: null };
}

/** The last number becomes one that no port and no slot of ours has; else the last address another one. */
function otherKey(key: unknown, draws: Draws): unknown {
  if (typeof key === 'object' && key !== null && 'concat' in key && Array.isArray(key.concat)) {
    const at = key.concat.findLastIndex((part) => typeof part === 'number');
    const last = at < 0 ? key.concat.length - 1 : at;
    return { concat: key.concat.map((part, i) => (i === last ? otherPart(part, draws) : part)) };
  }
  return otherPart(key, draws);
}

function otherPart(part: unknown, draws: Draws): unknown {
  if (typeof part === 'number') return 61_000 + draws.below(1000);
  const isIp6 = JSON.stringify(part).includes('::');
  const address = isIp6 ? `2001:db8:fff::${1 + draws.below(9000)}` : `203.0.114.${1 + draws.below(250)}`;
  if (typeof part === 'object' && part !== null && 'prefix' in part)
    return { prefix: { addr: isIp6 ? '2001:db8:ffe::' : '203.0.115.0', len: isIp6 ? 64 : 24 } };
  return address;
}

function hasVal(key: unknown): key is WithVal {
  return typeof key === 'object' && key !== null && 'elem' in key;
}
