import { VERSION } from '../../version.ts';
import { type FlagHelp, spellings } from './flags.ts';
import { ALL_FLAGS, COMMAND_WORDS, FLAGS_WITHOUT_WORD } from './words.ts';

/** Commands that are a flag, offered beside those that are a word. */
const FIRST_FLAGS = ['--dump', '--trace', '--init-only', '--cleanup', '--help', '--version'];

/** readline's own completion of paths, which knows ~ and spaces, comes where we have nothing. */
const FILES = 'compopt -o default';
const FOLDERS = 'compopt -o dirnames';

/** The completion script for bash 4.4 and newer; needs nothing of the package bash-completion. */
export function bashCompletion(): string {
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

  case $prev in
${valued
  .filter(({ completes }) => completes !== undefined)
  .map(valueCase)
  .join('\n')}
    ${patternOf(valued.filter(({ completes }) => completes === undefined))})
      return
      ;;
    *)
      if [[ $assigned ]]; then _kube_proxy_nft_words 'true false'; fi
      ;;
  esac
  if [[ $assigned ]]; then return; fi

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

  case $noun in
${COMMAND_WORDS.map(commandCase).join('\n')}
    '')
      words='${COMMAND_WORDS.map(({ name }) => name).join(' ')} ${FIRST_FLAGS.join(' ')}'
      if [[ $cur == -* ]]; then
        words='${wordsOf(FLAGS_WITHOUT_WORD)}'
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

function valueCase(flag: FlagHelp): string {
  return `    ${patternOf([flag])})
      ${completionOf(flag)}
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

function commandCase({ name, operands, takesFile, flags }: (typeof COMMAND_WORDS)[number]): string {
  const words =
    operands.length === 0 ? '' : `\n      elif ((operands == 0)); then\n        words='${operands.join(' ')}'`;
  const file = takesFile ? `\n      elif ((operands == 1)); then\n        ${FILES}\n        return` : '';
  return `    ${name})
      if [[ $cur == -* ]]; then
        words='${wordsOf(flags)}'${words}${file}
      fi
      ;;`;
}

function patternOf(flags: readonly FlagHelp[]): string {
  return flags.flatMap(({ name }) => spellings(name)).join(' | ');
}

/** Long names; those of one letter are quicker typed than completed. */
function wordsOf(flags: readonly FlagHelp[]): string {
  return flags.map(({ name }) => (name === 'v' ? '-v' : `--${name}`)).join(' ');
}
