import { canonicalAddress, familyOf, parseCidr } from '../../ip.ts';
import { sharedName } from '../../objects/compact.ts';
import { canonicalText } from './canonical-text.ts';
import { ALL_OTHERS, concat, type Element, parts } from './element.ts';
import { type Field, PROTOCOL_NUMBERS, type SetOrMap } from './set-or-map.ts';

/** The element as in an nft script: `10.96.0.12 . tcp . 3306 comment "default/db:mysql" : goto pick-tcp-1`. */
export function elementText({ setOrMap, key, value, comment }: Element): string {
  const named = comment === '' ? key : `${key}${COMMENT}"${comment}"`;
  return setOrMap.value === undefined ? named : `${named}${VALUE}${value}`;
}

/** Separates a comment, and a value, from what comes before it. */
const COMMENT = ' comment ';
const VALUE = ' : ';

/** What an element has counted, as nft prints it; with -s without numbers. */
const COUNTER = / counter(?: packets \d+ bytes \d+)?$/;

/**
 * An element and the comma after it, if there is one: what comes before its comment, the comment, and what comes after it.
 */
const ELEMENT = /([^",{}]+)(?:"([^"]*)"([^",{}]*))?(?:,\s*|$)/y;

/**
 * Reads elements as `nft list table` prints them: separated by commas and white space, protocols as names or numbers, single
 * addresses of interval sets without a prefix. It also reads elements that others may have added and that cannot be ours:
 * with ranges, other protocols, or for all other keys (`*`). Undefined if one of them cannot be an element of this set or
 * map.
 */
export function parseElements(setOrMap: SetOrMap, text: string): readonly Element[] | undefined {
  const elements: Element[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < text.length) {
    const match = ELEMENT.exec(text);
    const element = match === null ? undefined : parseElement(setOrMap, match);
    if (element === undefined) return undefined;
    elements.push(element);
  }
  return elements;
}

/** An element with a counter, and how many packets it has counted. */
export interface Counted {
  readonly element: Element;
  readonly packets: number;
}

/** Reads elements of a set with counters, and their counts; undefined as for parseElements, and if one has no count. */
export function parseCounted(setOrMap: SetOrMap, text: string): readonly Counted[] | undefined {
  const elements = parseElements(setOrMap, text);
  const packets = [...text.matchAll(/ counter packets (\d+) bytes \d+/g)].map(([, number]) => Number(number));
  if (elements?.length !== packets.length) return undefined;
  return elements.map((element, i) => ({ element, packets: packets[i] ?? 0 }));
}

/** An element with its count, as in an nft script. */
export function countedText({ element: { key, comment }, packets }: Counted): string {
  return `${key} counter packets ${packets} bytes 0${comment === '' ? '' : `${COMMENT}"${comment}"`}`;
}

function parseElement(setOrMap: SetOrMap, [, before = '', comment, after = '']: RegExpExecArray): Element | undefined {
  if (before.endsWith(COMMENT) !== (comment !== undefined)) return undefined;
  const at = before.indexOf(VALUE);
  const [named, rest] =
    comment !== undefined
      ? [before.slice(0, -COMMENT.length), after]
      : at < 0
        ? [before, '']
        : [before.slice(0, at), before.slice(at)];
  const key = parseKey(setOrMap, (setOrMap.counts ? named.replace(COUNTER, '') : named).trim());
  const value = parseValue(setOrMap.value, rest);
  return key === undefined || value === undefined ? undefined : { setOrMap, key, value, comment: comment ?? '' };
}

/** `text`: " : goto pick-tcp-1", or nothing. */
function parseValue(value: SetOrMap['value'], text: string): string | undefined {
  if (value === undefined) return text.trim() === '' ? '' : undefined;
  if (!text.startsWith(VALUE)) return undefined;
  const rest = text.slice(VALUE.length).trim();
  if (value !== 'verdict') return parseFields(value, rest);
  // There are few different ones, each in many elements.
  return /^[a-z]+( \S+)?$/.test(rest) ? sharedName(rest) : undefined;
}

function parseKey({ key, interval }: SetOrMap, text: string): string | undefined {
  return text === ALL_OTHERS ? text : parseFields(key, text, interval === true ? parseInterval : parseField);
}

function parseFields(fields: readonly Field[], text: string, parse = parseField): string | undefined {
  const canonical = canonicalText(fields, text);
  if (canonical !== undefined) return canonical;
  const texts = parts(text);
  if (texts.length !== fields.length) return undefined;
  const parsed: string[] = [];
  for (const [i, field] of fields.entries()) {
    const one = parse(field, texts[i] ?? '');
    if (one === undefined) return undefined;
    parsed.push(one);
  }
  return concat(...parsed);
}

const PROTOCOL_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(PROTOCOL_NUMBERS).flatMap(([name, number]) => [
    [name, name],
    [String(number), name],
  ]),
);

/** A part of a key in an interval set: a range, a network, or a single value. */
function parseInterval(field: Field, text: string): string | undefined {
  const { type } = field;
  const [first = '', last, ...more] = text.split('-');
  if (last === undefined)
    return type === 'address' && text.includes('/') ? parseNetwork(text) : parseField(field, text);
  const ends = [first, last].map((end) => (type === 'cidr' ? parseAddress(end) : parseField(field, end)));
  return more.length > 0 || ends.includes(undefined) ? undefined : ends.join('-');
}

function parseNetwork(text: string): string | undefined {
  const cidr = parseCidr(text);
  return cidr && `${cidr.address}/${cidr.prefix}`;
}

function parseField({ type }: Field, text: string): string | undefined {
  switch (type) {
    case 'address':
      return parseAddress(text);
    case 'protocol':
      return PROTOCOL_NAMES.get(text) ?? (/^[a-z0-9]+$/.test(text) ? text : undefined);
    case 'cidr':
      return parseNetwork(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);
    case 'port':
    case 'slot':
      return /^\d+$/.test(text) ? text : undefined;
  }
}

/** nft prints IPv6 addresses like inet_ntop. This differs from our form only in addresses with a dotted tail. */
function parseAddress(text: string): string | undefined {
  if (/^[0-9a-f:]*:[0-9a-f:]*$/.test(text)) return text;
  return familyOf(text) === undefined ? undefined : canonicalAddress(text);
}
