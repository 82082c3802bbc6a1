import { sharedName } from './compact.ts';
import { FieldError, textOf } from './fields.ts';

/** RFC 1123 subdomains. Strict because names end up in nft comments. */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

const MAX_OBJECT_NAME = 253;

/** An RFC 1123 label, or empty for the single unnamed port. */
const PORT_NAME = /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/;

/** metadata.name. */
export function objectNameOf(value: unknown, field: string): string {
  if (typeof value !== 'string') throw new FieldError(field, 'must be a string');
  if (value.length > MAX_OBJECT_NAME || !OBJECT_NAME.test(value))
    throw new FieldError(field, `must be a DNS subdomain name (RFC 1123) of at most ${MAX_OBJECT_NAME} characters`);
  return value;
}

/** metadata.namespace. */
export function namespaceOf(value: unknown, field: string): string {
  return sharedName(value === undefined || value === null ? 'default' : objectNameOf(value, field));
}

/** The name of a port. */
export function portNameOf(value: unknown, field: string): string {
  const name = textOf(value, field, '');
  if (!PORT_NAME.test(name)) throw new FieldError(field, 'must be a DNS label (RFC 1123) or empty');
  return name;
}
