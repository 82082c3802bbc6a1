import { concat, parts } from './element.ts';
import type { Field } from './set-or-map.ts';

/** A number of one byte without leading zeros. */
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

/** What nft nearly always prints for each type of field. This is our canonical form. */
const FORMS: Readonly<Partial<Record<Field['type'], string>>> = {
  // IPv4, and IPv6 without a dotted tail: see parseAddress in element-text.ts.
  address: `(?:${BYTE}\\.${BYTE}\\.${BYTE}\\.${BYTE}|[0-9a-f:]*:[0-9a-f:]*)`,
  protocol: '(?:tcp|udp|sctp)',
  port: '\\d+',
  slot: '\\d+',
};

const PATTERNS = new WeakMap<readonly Field[], RegExp>();

/**
 * The text of a key or value unchanged, if it is certainly in canonical form; undefined if that has to be checked part by
 * part. Nearly everything that a restart reads is in that form, and there may be a million texts.
 */
export function canonicalText(fields: readonly Field[], text: string): string | undefined {
  // In one piece: a part of a line would keep the whole listing in memory.
  return patternOf(fields).test(text) ? concat(...parts(text)) : undefined;
}

function patternOf(fields: readonly Field[]): RegExp {
  const known = PATTERNS.get(fields);
  if (known !== undefined) return known;
  const pattern = new RegExp(`^${fields.map(({ type }) => FORMS[type] ?? '[^\\s\\S]').join(' \\. ')}$`);
  PATTERNS.set(fields, pattern);
  return pattern;
}
