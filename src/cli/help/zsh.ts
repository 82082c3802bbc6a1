import { VERSION } from '../../version.ts';
import type { Command } from '../command.ts';
import type { FlagHelp } from './flag-help.ts';
import { briefly, spellings } from './flags.ts';
import { type CommandWord, commandWords, flagsWithoutWord } from './words.ts';

/** The completion script for zsh: a file _kube-proxy-nft in a folder of fpath, or to be sourced. */
export function zshCompletion(commands: readonly Command[]): string {
  const words = commandWords(commands);
  const descriptions = words.map(({ name, text }) => quoted(`${name}:${text}`));
  return `#compdef kube-proxy-nft
# zsh completion of kube-proxy-nft ${VERSION}, made by: kube-proxy-nft completion zsh

_kube-proxy-nft() {
  local curcontext=$curcontext state line ret=1
  local -a commands=(
    ${descriptions.join('\n    ')}
  )
  typeset -A opt_args
  _arguments -C -S \\
    ${flagsWithoutWord(commands).flatMap(specsOf).join(' \\\n    ')} \\
    '(-)1: :->command' \\
    '(-)*:: :->operands' && ret=0
  case $state in
    command) _describe -t commands command commands && ret=0 ;;
    operands)
      curcontext=\${curcontext%:*:*}:kube-proxy-nft-$words[1]:
      case $words[1] in
${words.map(commandCase).join('\n')}
      esac
      ;;
  esac
  return ret
}

if [[ $funcstack[1] == _kube-proxy-nft ]]; then
  _kube-proxy-nft "$@"
else
  compdef _kube-proxy-nft kube-proxy-nft
fi
`;
}

function commandCase({ name, operands, flags }: CommandWord): string {
  const specs = [
    ...flags.flatMap(specsOf),
    ...operands.map((completes, i) =>
      quoted(completes === 'file' ? `${i + 1}:FILE:_files` : `${i + 1}: :(${completes.join(' ')})`),
    ),
  ];
  return `        ${name}) _arguments -S \\
          ${specs.join(' \\\n          ')} && ret=0 ;;`;
}

/** A flag for _arguments, in each of its spellings; one excludes the other. */
function specsOf(flag: FlagHelp): readonly string[] {
  const names = spellings(flag.name);
  const exclusion = names.length > 1 ? `(${names.join(' ')})` : '';
  const about = `[${briefly(flag).replace(/[[\]]/g, '\\$&')}]`;
  return names.map((name) => {
    if (flag.value === undefined) return quoted(`${exclusion}${name}${about}`);
    // "=": in the same word after =, or in the next; "+": in the same word at once, or in the next.
    const joint = name.startsWith('--') ? '=' : '+';
    return quoted(`${exclusion}${name}${joint}${about}:${flag.value.replaceAll(':', '\\:')}:${actionOf(flag)}`);
  });
}

function actionOf({ completes }: FlagHelp): string {
  if (completes === undefined) return ' ';
  if (completes === 'file') return '_files';
  if (completes === 'folder') return '_files -/';
  const words = completes.words.join(' ');
  return completes.list === true ? `_values -s , value ${words}` : `(${words})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
