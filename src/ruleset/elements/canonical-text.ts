import { concat, parts } from './element.ts';
import type { Field } from './set-or-map.ts';

/** A number of one byte without leading zeros. */
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

/** What nft prints of each type of a field nearly always, which is the form that is used here. */
const FORMS: Readonly<Partial<Record<Field['type'], string>>> = {
  // IPv4, and IPv6 without a dotted tail: see parseAddress in element-text.ts.
  address: `(?:${BYTE}\\.${BYTE}\\.${BYTE}\\.${BYTE}|[0-9a-f:]*:[0-9a-f:]*)`,
  protocol: '(?:tcp|udp|sctp)',
  port: '\\d+',
  slot: '\\d+',
};

const PATTERNS = new WeakMap<readonly Field[], RegExp>();

/**
 * The text of a key or value as it is, if it is in canonical form beyond doubt; undefined if that is to be found out part
 * by part. Nearly all that a restart reads is in that form, and there may be a million of them.
 */
export function canonicalText(fields: readonly Field[], text: string): string | undefined {
  // In one piece: a part of a line would keep all of the listing in memory.
  return patternOf(fields).test(text) ? concat(...parts(text)) : undefined;
}

function patternOf(fields: readonly Field[]): RegExp {
  const known = PATTERNS.get(fields);
  if (known !== undefined) return known;
  const pattern = new RegExp(`^${fields.map(({ type }) => FORMS[type] ?? '[^\\s\\S]').join(' \\. ')}$`);
  PATTERNS.set(fields, pattern);
  return pattern;
}
