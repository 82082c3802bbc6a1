import { parseArgs } from 'node:util';
import { boolean } from '../config/field-types.ts';
import { FLAGS, type Flag } from '../config/flags.ts';
import { didYouMean } from '../suggest.ts';

/** A parsed command line. */
export interface CommandLine {
  /** The values of each given flag, by its name, in order; "true" for a boolean flag without a value. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
  /** What cannot be parsed. */
  readonly problems: string[];
}

const OPTIONS = Object.fromEntries(
  [...FLAGS.values()].map(({ name, type, short }) => [name, { type, ...(short !== undefined && { short }) }]),
);

/**
 * Parses a command line as kube-proxy does (pflag): --flag=value, --flag value, boolean flags alone or as
 * --flag=true, -v2, -v=2, and _ for - in names.
 */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  const problems: string[] = [];
  const args = argv.map((argument) => argument.replace(/^--[^=]+/, (name) => name.replaceAll('_', '-')));
  for (const token of parseArgs({ args, options: OPTIONS, strict: false, tokens: true }).tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = FLAGS.get(token.name);
    if (flag === undefined) {
      problems.push(`unknown flag ${token.rawName}${didYouMean(token.name, [...FLAGS.keys()], '--')}`);
      continue;
    }
    const isShort = !token.rawName.startsWith('--');
    const text = isShort ? token.value?.replace(/^=/, '') : token.value;
    const problem = problemWith(flag, token.rawName, text);
    if (problem !== undefined) problems.push(problem);
    else values.set(flag.name, [...(values.get(flag.name) ?? []), text ?? 'true']);
  }
  return { values, positionals, problems };
}

function problemWith({ type, check }: Flag, name: string, text: string | undefined): string | undefined {
  if (type === 'string') {
    if (text === undefined) return `${name} needs a value`;
    if (check === undefined || check.parse(text) !== undefined) return undefined;
    return `${name} ${JSON.stringify(text)}: must be ${check.expected}`;
  }
  if (text === undefined || boolean.fromText(text) !== undefined) return undefined;
  return `${name} ${JSON.stringify(text)}: must be ${boolean.expected}`;
}

/** Whether a boolean flag is given and true, or a flag with a value is given. */
export function isOn(values: CommandLine['values'], name: string): boolean {
  const text = values.get(name)?.at(-1);
  return text !== undefined && (FLAGS.get(name)?.type === 'string' || /^[1tT]/.test(text));
}
