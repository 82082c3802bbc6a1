import { FLAGS } from '../config/flags.ts';
import { didYouMean } from '../suggest.ts';
import type { Command, Operand } from './command.ts';
import { type CommandLine, isOn } from './command-line.ts';

/** A command, and the words after it. */
export interface RequestedCommand {
  readonly command: Command;
  readonly operands: readonly string[];
}

/**
 * The command that a command line requests: by words ("get services"), by a flag ("--dump"), or otherwise the first command.
 * Errors in the command, its operands and its flags are added to the problems.
 */
export function requestedCommand(line: CommandLine, commands: readonly [Command, ...Command[]]): RequestedCommand {
  const { values, problems } = line;
  const isReadable = problems.length === 0;
  const { command, operands } = choose(line, commands);
  // A word after an unknown flag is probably its value.
  if (isReadable) problems.push(...operandProblems(command, operands, values));
  for (const name of values.keys()) {
    if (FLAGS.get(name)?.role !== 'option' || command.flag === 'help') continue;
    const takers = commands.filter(({ flags }) => flags.includes(name));
    if (!takers.includes(command)) problems.push(`--${name} needs ${listed(takers.map((taker) => taker.name))}`);
  }
  const output = values.get('output')?.at(-1);
  const { outputs } = command;
  if (output !== undefined && outputs?.every((known) => known !== output)) {
    problems.push(`-o ${JSON.stringify(output)}: must be ${listed(outputs)}`);
  }
  return { command, operands };
}

function choose(
  { values, positionals, problems }: CommandLine,
  commands: readonly [Command, ...Command[]],
): RequestedCommand {
  const flagged = commands.filter(({ flag = '' }) => isOn(values, flag));
  const { named, rest } = byWords(positionals, commands);
  const isHelp = ({ flag }: Command) => flag === 'help';
  const help = commands.find(isHelp);
  const others = flagged.filter(({ flag }) => flag !== 'help' && flag !== 'version');
  const [first, second] = others;
  // A flag with a value takes the next word, even --help.
  const isWanted = flagged.some(
    (command) => isHelp(command) || /^(?:--help|-h)$/.test(values.get(command.flag ?? '')?.at(-1) ?? ''),
  );
  if (help !== undefined && (isWanted || named === help)) {
    const about = named === help || named === undefined ? rest : [named.name];
    return { command: help, operands: about.length > 0 || first === undefined ? about : [first.name] };
  }
  const version = flagged.find(({ flag }) => flag === 'version');
  if (version !== undefined) return { command: version, operands: [] };
  if (second !== undefined) problems.push(`--${first?.flag} and --${second.flag} cannot be given together`);
  else if (named !== undefined && first !== undefined) {
    problems.push(`${named.name} and --${first.flag} cannot be given together`);
  }
  if (named !== undefined) return { command: named, operands: rest };
  if (first !== undefined) {
    const value = FLAGS.get(first.flag ?? '')?.type === 'string' ? values.get(first.flag ?? '')?.slice(-1) : [];
    return { command: first, operands: [...(value ?? []), ...rest] };
  }
  if (rest.length > 0 && problems.length === 0) problems.push(notKnown(rest, commands));
  return { command: commands[0], operands: [] };
}

/** The command at the beginning of these words, and the remaining words. */
function byWords(
  words: readonly string[],
  commands: readonly Command[],
): { readonly named: Command | undefined; readonly rest: readonly string[] } {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ');
    const named = words.length < count ? undefined : commands.find((command) => namesOf(command).includes(name));
    if (named !== undefined) return { named, rest: words.slice(count) };
  }
  return { named: undefined, rest: words };
}

/** All names of a command. */
export function namesOf({ name, aliases = [] }: Command): readonly string[] {
  return [name, ...aliases];
}

function notKnown([first = '', second]: readonly string[], commands: readonly Command[]): string {
  const words = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? name.slice(first.length + 1) : []));
  if (words.length === 0) {
    const known = new Set(commands.flatMap(({ name }) => name.split(' ')[0] ?? []));
    return `unknown command ${JSON.stringify(first)}${didYouMean(first, [...known])}`;
  }
  if (second === undefined) return `${first} must be followed by ${listed(words)}`;
  const meant = didYouMean(second, words, `${first} `);
  return `${first}: ${JSON.stringify(second)} is unknown: must be ${listed(words)}${meant}`;
}

function operandProblems(
  { name, operands }: Command,
  given: readonly string[],
  values: CommandLine['values'],
): readonly string[] {
  const most = operands.some(({ isRepeated }) => isRepeated) ? given.length : operands.length;
  const excess = given[most];
  if (excess !== undefined) return [`unexpected argument ${JSON.stringify(excess)}`];
  return operands.flatMap((operand, i) => {
    const text = given[i];
    const isNeeded = operand.isOptional !== true && !isOn(values, operand.orFlag ?? '');
    if (text === undefined || text === '') return isNeeded ? `${name}: ${needOf(operand)}` : [];
    const { completes } = operand;
    if (typeof completes !== 'object' || completes.includes(text)) return [];
    return `${name} ${JSON.stringify(text)}: must be ${listed(completes)}`;
  });
}

function needOf({ name, orFlag }: Operand): string {
  return `${name} is required${orFlag === undefined ? '' : `, or --${orFlag}`}`;
}

/** "a, b or c". */
function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}
