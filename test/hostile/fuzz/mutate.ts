import type { Draws } from '../../peer/draws.ts';

/** JSON as it is held in memory. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What moves cursors, turns text round, ends lines or would be a command of nft's, and cannot be seen. */
export const ESCAPES = '\u001b[2J\u001b]0;a\u0007\r\n\u0000\u009b\u202e\u2066\u200b\u2028\ufeff"; flush ruleset; #';

/** What fields never should be, and what they hardly ever are. */
const ODD: readonly Json[] = [
  null,
  true,
  '',
  ' ',
  0,
  -1,
  1,
  65_535,
  65_536,
  1.5,
  1e21,
  2 ** 53,
  [],
  {},
  [null],
  [[]],
  ESCAPES,
  'a'.repeat(300),
  '\ud800',
  'İ',
  '-',
  '.',
  '__proto__',
  'constructor',
  'None',
  '0.0.0.0',
  '0.0.0.0/0',
  '::/0',
  '::',
  '255.255.255.255',
  '127.0.0.1',
  '169.254.169.254',
  '224.0.0.1',
  '::1',
  'fe80::1',
  '::ffff:10.0.0.1',
  '010.1.1.1',
  '10.0.0.1/24',
  '10.0.0.0/33',
  ' 10.0.0.0/8 ',
  '10.33.0.1',
  '10.96.0.1',
  '203.0.113.1',
  '192.0.2.1',
  'fd00:96::1',
  'TCP',
  'UDP',
  'SCTP',
  'udp',
  'ClientIP',
  'Local',
  'LoadBalancer',
  'NodePort',
  'ExternalName',
  'Proxy',
  '2026-13-45T99:99:99Z',
  '9999-01-01T00:00:00Z',
];

/** Copies of one element that a list may get: enough to repeat, not to be large. */
const MAX_COPIES = 30;
const MAX_DEPTH = 200;

/** Changes a document in one to four places. */
export function mutated(document: Json, draws: Draws): Json {
  let result = document;
  for (let i = draws.pick([1, 1, 1, 2, 4]); i > 0; i--) result = mutatedOnce(result, draws);
  return result;
}

/** Goes down by chance, and changes what it comes to. */
function mutatedOnce(value: Json, draws: Draws): Json {
  if (Array.isArray(value) && value.length > 0 && !draws.oneIn(4)) {
    const at = draws.below(value.length);
    return value.map((item, i) => (i === at ? mutatedOnce(item, draws) : item));
  }
  if (isMapping(value) && Object.keys(value).length > 0 && !draws.oneIn(12)) {
    const at = draws.pick(Object.keys(value));
    return mapped(Object.entries(value).map(([key, item]) => [key, key === at ? mutatedOnce(item, draws) : item]));
  }
  return changed(value, draws);
}

function changed(value: Json, draws: Draws): Json {
  if (draws.oneIn(3)) return draws.pick(ODD);
  if (Array.isArray(value)) return changedList(value, draws);
  if (isMapping(value)) return changedMapping(value, draws);
  if (typeof value === 'number') return value + draws.pick([-1, 1, 0.5, -value, 65_536, 2 ** 32]);
  if (typeof value === 'string') return changedText(value, draws);
  return draws.pick(ODD);
}

function changedList(list: readonly Json[], draws: Draws): Json {
  const item = list.length === 0 ? draws.pick(ODD) : draws.pick(list);
  const how = draws.below(4);
  if (how === 0) return list.slice(1);
  if (how === 1) return list.toReversed();
  if (how === 2) return [...list, ...Array.from({ length: draws.between(1, MAX_COPIES) }, () => item)];
  return [...list, draws.pick(ODD)];
}

function changedMapping(mapping: { readonly [key: string]: Json }, draws: Draws): Json {
  const entries = Object.entries(mapping);
  const how = draws.below(4);
  if (how === 0) return mapped(entries.filter(() => !draws.oneIn(3)));
  if (how === 1)
    return mapped([...entries, [draws.pick([ESCAPES, '__proto__', 'constructor', 'x', '']), draws.pick(ODD)]]);
  if (how === 2) return mapped([...entries, ['nested', nested(draws.below(MAX_DEPTH))]]);
  const values = entries.map(([, value]) => value);
  return mapped(entries.map(([key, value]) => [key, draws.oneIn(3) ? draws.pick(values) : value]));
}

function changedText(text: string, draws: Draws): string {
  const at = draws.below(text.length + 1);
  const how = draws.below(5);
  if (how === 0) return text.slice(0, at);
  if (how === 1) return text + ESCAPES;
  if (how === 2) return text.slice(0, at) + String.fromCharCode(draws.below(0x10000)) + text.slice(at);
  if (how === 3) return text.toUpperCase();
  return text.repeat(draws.between(2, 8));
}

function nested(levels: number): Json {
  let value: Json = 1;
  for (let i = 0; i < levels; i++) value = { a: value };
  return value;
}

/** Unlike an object literal, this keeps a key "__proto__" as a key. */
function mapped(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries);
}

export function isMapping(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
