import { boolean } from '../config/field-types.ts';
import { FIELDS, type Field } from '../config/fields.ts';
import { FLAGS, type Flag } from '../config/flags.ts';
import type { CommandLine } from './command-line.ts';

/**
 * The value of every flag by its name, given or default, as pflag prints it: "true", "1h0m0s", "[a,b]", "A=true".
 * `defaults`: the non-empty defaults of flags that set no field.
 */
export function flagValuesOf(
  values: CommandLine['values'],
  defaults: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  return new Map([...FLAGS.values()].map((flag) => [flag.name, textOf(flag, values.get(flag.name), defaults)]));
}

function textOf(
  { name, type, field }: Flag,
  given: readonly string[] | undefined,
  defaults: Readonly<Record<string, string>>,
): string {
  const usual = field === undefined ? undefined : (FIELDS[field] as Field<unknown>).default;
  const isList = Array.isArray(usual) && field !== 'logging.vmodule';
  // Repeated lists and maps accumulate; for other flags, the last value wins.
  const text = typeof usual === 'object' ? (given ?? []).join() : given?.at(-1);
  if (isList) return `[${text}]`;
  if (text === undefined) return String(usual ?? defaults[name] ?? (type === 'boolean' ? false : ''));
  return type === 'boolean' ? String(boolean.fromText(text)) : text;
}
