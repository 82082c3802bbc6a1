import { FLAGS } from '../../config/flags.ts';
import type { Command } from '../command.ts';
import type { FlagHelp } from './flag-help.ts';
import { FLAG_SECTIONS } from './flags.ts';

/** Every flag there is. */
export const ALL_FLAGS: readonly FlagHelp[] = FLAG_SECTIONS.flatMap(({ flags }) => flags);

/** How completion completes one word: with one of these, or with a path. */
export type WordCompletion = readonly string[] | 'file';

/** The commands that begin with the same word, combined for completion. */
export interface CommandWord {
  readonly name: string;
  /** A short description, for shells that show one. */
  readonly text: string;
  /** The words that follow, one by one. */
  readonly operands: readonly WordCompletion[];
  readonly flags: readonly FlagHelp[];
}

/** The first words of all commands. */
export function commandWords(commands: readonly Command[]): readonly CommandWord[] {
  return firstWords(commands).map((name) => {
    const those = commands.filter((command) => firstWord(command.name) === name);
    const seconds = those.flatMap((command) => command.name.split(' ').slice(1));
    return {
      name,
      text: those.map(({ summary }) => summary.replace(/[,;:].*$/, '')).join('; '),
      operands: [...(seconds.length > 0 ? [seconds] : []), ...operandsOf(those, commands)],
      flags: ALL_FLAGS.filter((flag) => flag.name === 'help' || those.some((command) => takes(command, flag))).map(
        (flag) => (flag.name === 'output' ? withOutputs(flag, those) : flag),
      ),
    };
  });
}

/** The flags of a command line without a command word. Flags that need a command are left out. */
export function flagsWithoutWord(commands: readonly Command[]): readonly FlagHelp[] {
  const byFlag = commands.filter(({ flag }) => flag !== undefined);
  return ALL_FLAGS.filter(
    (flag) => FLAGS.get(flag.name)?.role !== 'option' || byFlag.some((command) => takes(command, flag)),
  ).map((flag) => (flag.name === 'output' ? withOutputs(flag, byFlag) : flag));
}

/** Whether the help for a command lists a flag. */
export function takes({ flags, isConfigured }: Command, { name }: FlagHelp): boolean {
  return flags.includes(name) || (isConfigured === true && FLAGS.get(name)?.role === 'daemon');
}

function withOutputs(flag: FlagHelp, commands: readonly Command[]): FlagHelp {
  return { ...flag, completes: { words: [...new Set(commands.flatMap(({ outputs = [] }) => outputs))] } };
}

/** Completions for the words after the name of these commands. For each word, the first command with completions wins. */
function operandsOf(those: readonly Command[], commands: readonly Command[]): readonly WordCompletion[] {
  const count = Math.max(...those.map(({ operands }) => operands.length));
  return Array.from({ length: count }, (_, i) => {
    const completes = those.map(({ operands }) => operands[i]?.completes).find((known) => known !== undefined) ?? [];
    return completes === 'command' ? firstWords(commands) : completes;
  });
}

function firstWords(commands: readonly Command[]): readonly string[] {
  return [...new Set(commands.map(({ name }) => firstWord(name)))];
}

function firstWord(name: string): string {
  return name.split(' ')[0] ?? '';
}
