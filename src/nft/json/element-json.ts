import { ALL_OTHERS, type Element, SEPARATOR } from '../../ruleset/elements/element.ts';
import type { Field } from '../../ruleset/elements/set-or-map.ts';
import { PROTOCOL_NUMBERS } from '../../ruleset/elements/set-or-map.ts';
/** The element as libnftables JSON, for `add element`. Protocols are numbers. */
export function elementJson(element: Element): string {
  const { setOrMap, value, comment } = element;
  const key = keyJson(element);
  const named = comment === '' ? key : `{"elem":{"val":${key},"comment":${JSON.stringify(comment)}}}`;
  if (setOrMap.value === undefined) return named;
  const data = setOrMap.value === 'verdict' ? verdictJson(value) : fieldsJson(setOrMap.value, value);
  return `[${named},${data}]`;
}

/** The element's key as libnftables JSON, which is all that `delete element` needs. */
export function keyJson({ setOrMap, key }: Pick<Element, 'setOrMap' | 'key'>): string {
  if (key === ALL_OTHERS) return JSON.stringify(key);
  return fieldsJson(setOrMap.key, key, setOrMap.interval === true ? intervalJson : fieldJson);
}

/** This runs for every element of a first fill, so it creates no arrays. */
function fieldsJson(fields: readonly Field[], text: string, json = fieldJson): string {
  if (fields.length === 1 && fields[0] !== undefined) return json(fields[0], text);
  let list = '{"concat":[';
  let start = 0;
  for (const field of fields) {
    const end = text.indexOf(SEPARATOR, start);
    list += `${start === 0 ? '' : ','}${json(field, end < 0 ? text.slice(start) : text.slice(start, end))}`;
    start = end + SEPARATOR.length;
  }
  return `${list}]}`;
}

/** A part of a key in an interval set: a range that others have added, a network, or a single value. */
function intervalJson(field: Field, text: string): string {
  const [first = '', last] = text.split('-');
  if (last === undefined) return text.includes('/') ? networkJson(text) : fieldJson(field, text);
  const type = field.type === 'cidr' ? 'address' : field.type;
  const [from, to] = [first, last].map((end) => fieldJson({ ...field, type }, end));
  return `{"range":[${from},${to}]}`;
}

function networkJson(text: string): string {
  const [address, prefix] = text.split('/');
  return `{"prefix":{"addr":"${address}","len":${prefix}}}`;
}

function fieldJson({ type }: Field, text: string): string {
  if (type === 'port' || type === 'slot') return text;
  if (type === 'address') return `"${text}"`;
  if (type === 'cidr') return networkJson(text);
  const number = PROTOCOL_NUMBERS[text as keyof typeof PROTOCOL_NUMBERS];
  return String(number ?? (/^\d+$/.test(text) ? text : `"${text}"`));
}

function verdictJson(text: string): string {
  const [verb, target] = text.split(' ');
  return target === undefined ? `{"${verb}":null}` : `{"${verb}":{"target":"${target}"}}`;
}
