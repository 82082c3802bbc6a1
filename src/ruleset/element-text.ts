import { canonicalAddress, familyOf, parseCidr } from '../ip.ts';
import { sharedName } from '../objects/compact.ts';
import { type Container, type Field, PROTOCOL_NUMBERS } from './container.ts';
import { concat, type Element, parts } from './element.ts';

/** The element as it stands in an nft script: `10.96.0.12 . tcp . 3306 comment "default/db:mysql" : goto pick-tcp-1`. */
export function elementText({ container, key, value, comment }: Element): string {
  const named = comment === '' ? key : `${key}${COMMENT}"${comment}"`;
  return container.value === undefined ? named : `${named}${VALUE}${value}`;
}

/** What stands before a comment, and before a value. */
const COMMENT = ' comment ';
const VALUE = ' : ';

/** An element and the comma behind it, if there is one: what comes before its comment, the comment, what comes after it. */
const ELEMENT = /([^",{}]+)(?:"([^"]*)"([^",{}]*))?(?:,\s*|$)/y;

/**
 * Reads elements as `nft list table` prints them: with commas and white space between them, protocols by name or number,
 * single addresses of interval sets without a prefix. Undefined if one of them cannot be an element of this container.
 */
export function parseElements(container: Container, text: string): readonly Element[] | undefined {
  const elements: Element[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < text.length) {
    const match = ELEMENT.exec(text);
    const element = match === null ? undefined : parseElement(container, match);
    if (element === undefined) return undefined;
    elements.push(element);
  }
  return elements;
}

function parseElement(
  container: Container,
  [, before = '', comment, after = '']: RegExpExecArray,
): Element | undefined {
  if (before.endsWith(COMMENT) !== (comment !== undefined)) return undefined;
  const at = before.indexOf(VALUE);
  const [named, rest] =
    comment !== undefined
      ? [before.slice(0, -COMMENT.length), after]
      : at < 0
        ? [before, '']
        : [before.slice(0, at), before.slice(at)];
  const key = parseFields(container.key, named.trim());
  const value = parseValue(container.value, rest);
  return key === undefined || value === undefined ? undefined : { container, key, value, comment: comment ?? '' };
}

/** `text`: " : goto pick-tcp-1", or nothing. */
function parseValue(value: Container['value'], text: string): string | undefined {
  if (value === undefined) return text.trim() === '' ? '' : undefined;
  if (!text.startsWith(VALUE)) return undefined;
  const rest = text.slice(VALUE.length).trim();
  if (value !== 'verdict') return parseFields(value, rest);
  // Few, and each has many elements.
  return /^[a-z]+( \S+)?$/.test(rest) ? sharedName(rest) : undefined;
}

function parseFields(fields: readonly Field[], text: string): string | undefined {
  const texts = parts(text);
  if (texts.length !== fields.length) return undefined;
  const parsed: string[] = [];
  for (const [i, field] of fields.entries()) {
    const one = parseField(field, texts[i] ?? '');
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

function parseField({ type }: Field, text: string): string | undefined {
  switch (type) {
    case 'address':
      return parseAddress(text);
    case 'protocol':
      return PROTOCOL_NAMES.get(text);
    case 'cidr': {
      const cidr = parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);
      return cidr && `${cidr.address}/${cidr.prefix}`;
    }
    case 'port':
    case 'slot':
      return /^\d+$/.test(text) ? text : undefined;
  }
}

/** nft prints IPv6 addresses as inet_ntop does, whose form differs from ours where the tail is dotted, and only there. */
function parseAddress(text: string): string | undefined {
  if (/^[0-9a-f:]*:[0-9a-f:]*$/.test(text)) return text;
  return familyOf(text) === undefined ? undefined : canonicalAddress(text);
}
