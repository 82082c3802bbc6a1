import { VERSION } from '../../version.ts';
import type { Command } from '../command.ts';
import type { FlagHelp } from './flag-help.ts';
import { spellings } from './flags.ts';
import { ALL_FLAGS, type CommandWord, commandWords, flagsWithoutWord, type WordCompletion } from './words.ts';

/** readline's own completion of paths, which knows ~ and spaces, comes where we have nothing. */
const FILES = 'compopt -o default';
const FOLDERS = 'compopt -o dirnames';

/** The completion script for bash 4.4 and newer; needs nothing of the package bash-completion. */
export function bashCompletion(commands: readonly Command[]): string {
  const words = commandWords(commands);
  const withoutWord = flagsWithoutWord(commands);
  const valued = ALL_FLAGS.filter(({ value }) => value !== undefined);
  return `# bash completion of kube-proxy-nft ${VERSION}, made by: kube-proxy-nft completion bash
# shellcheck shell=bash

_kube_proxy_nft() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} before='' assigned='' noun='' operands=0 words='' i
  COMPREPLY=()
  # readline makes three words of --flag=value, unless somebody took "=" out of COMP_WORDBREAKS.
  if [[ $cur == = ]]; then
    assigned=1 cur=''
  elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
    assigned=1 prev=\${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $cur == --*=* ]]; then
    assigned=1 before=\${cur%%=*}= prev=\${cur%%=*} cur=\${cur#*=}
  fi

  # The command, and how many words came after it.
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      =) ((i++)) ;;
      ${patternOf(valued)})
        if [[ \${COMP_WORDS[i + 1]} != = ]]; then ((i++)); fi
        ;;
      -*) ;;
      *) if [[ $noun ]]; then ((operands++)); else noun=\${COMP_WORDS[i]}; fi ;;
    esac
  done

  case $prev in
${valued
  .filter(({ completes }) => completes !== undefined)
  .map((flag) => valueCase(flag, words, withoutWord))
  .join('\n')}
    ${patternOf(valued.filter(({ completes }) => completes === undefined))})
      return
      ;;
    *)
      if [[ $assigned ]]; then _kube_proxy_nft_words 'true false'; fi
      ;;
  esac
  if [[ $assigned ]]; then return; fi

  case $noun in
${words.map(commandCase).join('\n')}
    '')
      words='${words.map(({ name }) => name).join(' ')}'
      if [[ $cur == -* ]]; then
        words='${wordsOf(withoutWord)}'
      fi
      ;;
  esac
  _kube_proxy_nft_words "$words"
}

# What of these words begins as the current one does.
_kube_proxy_nft_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
  if [[ $before ]]; then COMPREPLY=("\${COMPREPLY[@]/#/$before}"); fi
}

complete -F _kube_proxy_nft kube-proxy-nft
`;
}

function valueCase(flag: FlagHelp, words: readonly CommandWord[], withoutWord: readonly FlagHelp[]): string {
  const nouns = words.flatMap(({ name, flags }) => {
    const own = flags.find((one) => one.name === flag.name);
    return own === undefined || own === flag ? [] : `        ${name}) ${completionOf(own)} ;;`;
  });
  const other = withoutWord.find(({ name }) => name === flag.name) ?? flag;
  const completion =
    nouns.length === 0
      ? completionOf(other)
      : ['case $noun in', ...nouns, `        *) ${completionOf(other)} ;;`, '      esac'].join('\n');
  return `    ${patternOf([flag])})
      ${completion}
      return
      ;;`;
}

function completionOf({ completes }: FlagHelp): string {
  if (completes === 'file') return FILES;
  if (completes === 'folder') return FOLDERS;
  const words = completes?.words.join(' ') ?? '';
  if (completes?.list !== true) return `_kube_proxy_nft_words '${words}'`;
  // Items with commas: those before the last comma stay as they are.
  return `if [[ $cur == *,* ]]; then before+=\${cur%,*}, cur=\${cur##*,}; fi
      _kube_proxy_nft_words '${words}'
      compopt -o nospace`;
}

function commandCase({ name, operands, flags }: CommandWord): string {
  const places = operands.map((completes, i) => placeOf(completes, i)).join('');
  return `    ${name})
      if [[ $cur == -* ]]; then
        words='${wordsOf(flags)}'${places}
      fi
      ;;`;
}

function placeOf(completes: WordCompletion, place: number): string {
  if (completes.length === 0) return '';
  const then = completes === 'file' ? `${FILES}\n        return` : `words='${completes.join(' ')}'`;
  return `\n      elif ((operands == ${place})); then\n        ${then}`;
}

function patternOf(flags: readonly FlagHelp[]): string {
  return flags.flatMap(({ name }) => spellings(name)).join(' | ');
}

/** Long names; those of one letter are quicker typed than completed. */
function wordsOf(flags: readonly FlagHelp[]): string {
  return flags.map(({ name }) => (name === 'v' ? '-v' : `--${name}`)).join(' ');
}
