import { VERSION } from '../../version.ts';
import { briefly, type FlagHelp, spellings } from './flags.ts';
import { COMMAND_WORDS, type CommandWord, FLAGS_WITHOUT_WORD } from './words.ts';

const COMPLETE = 'complete -c kube-proxy-nft';

/** The completion script for fish 3.0 and newer. */
export function fishCompletion(): string {
  const words = COMMAND_WORDS.map(({ name }) => name).join(' ');
  const noWord = `not __fish_seen_subcommand_from ${words}`;
  return `${[
    `# fish completion of kube-proxy-nft ${VERSION}, made by: kube-proxy-nft completion fish`,
    '',
    `${COMPLETE} -f`,
    ...COMMAND_WORDS.map(({ name, text }) => `${COMPLETE} -n ${quoted(noWord)} -a ${name} -d ${quoted(text)}`),
    ...FLAGS_WITHOUT_WORD.map((flag) => lineOf(flag, noWord)),
    ...COMMAND_WORDS.flatMap(commandLines),
  ].join('\n')}\n`;
}

function commandLines({ name, operands, takesFile, flags }: CommandWord): readonly string[] {
  const seen = `__fish_seen_subcommand_from ${name}`;
  const after = (words: number) => quoted(`${seen}; and test (count (commandline -opc)) -eq ${words}`);
  return [
    ...flags.map((flag) => lineOf(flag, seen)),
    ...(operands.length > 0 ? [`${COMPLETE} -n ${after(2)} -a ${quoted(operands.join(' '))}`] : []),
    ...(takesFile ? [`${COMPLETE} -n ${after(3)} -F`] : []),
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
