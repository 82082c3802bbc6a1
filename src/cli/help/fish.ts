import { VERSION } from '../../version.ts';
import type { Command } from '../command.ts';
import type { FlagHelp } from './flag-help.ts';
import { briefly, spellings } from './flags.ts';
import { type CommandWord, commandWords, flagsWithoutWord } from './words.ts';

const COMPLETE = 'complete -c kube-proxy-nft';

/** The completion script for fish 3.0 and newer. */
export function fishCompletion(commands: readonly Command[]): string {
  const words = commandWords(commands);
  const noWord = `not __fish_seen_subcommand_from ${words.map(({ name }) => name).join(' ')}`;
  return `${[
    `# fish completion of kube-proxy-nft ${VERSION}, made by: kube-proxy-nft completion fish`,
    '',
    `${COMPLETE} -f`,
    ...words.map(({ name, text }) => `${COMPLETE} -n ${quoted(noWord)} -a ${name} -d ${quoted(text)}`),
    ...flagsWithoutWord(commands).map((flag) => lineOf(flag, noWord)),
    ...words.flatMap(commandLines),
  ].join('\n')}\n`;
}

function commandLines({ name, operands, flags }: CommandWord): readonly string[] {
  const seen = `__fish_seen_subcommand_from ${name}`;
  const after = (words: number) => quoted(`${seen}; and test (count (commandline -opc)) -eq ${words}`);
  return [
    ...flags.map((flag) => lineOf(flag, seen)),
    ...operands.flatMap((completes, i) => {
      if (completes.length === 0) return [];
      return `${COMPLETE} -n ${after(i + 2)} ${completes === 'file' ? '-F' : `-a ${quoted(completes.join(' '))}`}`;
    }),
  ];
}

function lineOf(flag: FlagHelp, condition: string): string {
  const names = spellings(flag.name).map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  return [COMPLETE, '-n', quoted(condition), ...names, ...argumentOf(flag), '-d', quoted(briefly(flag))].join(' ');
}

/** -x: a value, and no file; -r -F: a value, which is a file. */
function argumentOf({ value, completes }: FlagHelp): readonly string[] {
  if (value === undefined) return [];
  if (completes === undefined) return ['-x'];
  if (completes === 'file') return ['-r', '-F'];
  if (completes === 'folder') return ['-x', '-a', quoted('(__fish_complete_directories (commandline -ct))')];
  const words = completes.words.join(' ');
  return ['-x', '-a', quoted(completes.list === true ? `(__fish_append , ${words})` : words)];
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
