import { COMMANDS, type CommandHelp } from './commands.ts';
import { FLAG_SECTIONS, type FlagHelp } from './flags.ts';

/** Every flag there is. */
export const ALL_FLAGS: readonly FlagHelp[] = FLAG_SECTIONS.flatMap(({ flags }) => flags);

/** A command that is a word, as completion sees it. */
export interface CommandWord {
  readonly name: string;
  /** About it, for shells that show it. */
  readonly text: string;
  /** What its first operand is one of. */
  readonly operands: readonly string[];
  /** True if a file comes after the first operand. */
  readonly takesFile: boolean;
  readonly flags: readonly FlagHelp[];
}

/** The commands that are words. */
export const COMMAND_WORDS: readonly CommandWord[] = COMMANDS.flatMap((command) => {
  if (command.operands === undefined) return [];
  const { name, usages, flags } = command;
  return {
    name,
    text: (usages[0]?.text ?? '').replace(/[,;].*$/, ''),
    operands: operandsOf(command),
    takesFile: command.operands === 'configuration',
    flags: ALL_FLAGS.filter((flag) => flag.name === 'help' || (flags.includes(flag.name) && isFor(command, flag))),
  };
});

/** The flags of a command line without such a word: those that only go with one are left out. */
export const FLAGS_WITHOUT_WORD: readonly FlagHelp[] = ALL_FLAGS.filter(
  ({ name }) => !['apply', 'back', 'brief', 'wait', 'namespace', 'no-headers'].includes(name),
);

function operandsOf({ operands }: CommandHelp): readonly string[] {
  if (operands === 'configuration') return ['validate'];
  if (operands === 'topic') return COMMANDS.map(({ name }) => name);
  return operands === undefined || operands === 'none' ? [] : operands;
}

/** `config` stands for --write-config-to, too, which goes without the word. */
function isFor({ operands }: CommandHelp, { name }: FlagHelp): boolean {
  return operands !== 'configuration' || name !== 'write-config-to';
}
