import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { completionText } from '../../../src/cli/help/print.ts';

type Shell = 'bash' | 'zsh' | 'fish';

/** What zsh calls the file it loads completion from; the others are told its name. */
const FILE_NAMES: Readonly<Record<Shell, string>> = { bash: 'bash', zsh: '_kube-proxy-nft', fish: 'fish' };

/** Calls the function as bash does for the words after $1; compopt works in no other place. */
const BASH = `set -u
compopt() { [[ $2 == nospace ]] || echo "compopt $*"; }
source "$1"; shift
[[ $(complete -p kube-proxy-nft) == 'complete -F _kube_proxy_nft kube-proxy-nft' ]] || exit 1
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_kube_proxy_nft kube-proxy-nft "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
if ((\${#COMPREPLY[@]})); then printf '%s\\n' "\${COMPREPLY[@]}"; fi
`;

const FISH = 'source $argv[1]; complete -C $argv[2]';

/**
 * Types a line and a tab into a zsh on a terminal of its own, which loads its completion from the script's folder as an
 * installed one does. What it would offer goes to a file.
 */
const ZSH = `zmodload zsh/zpty
folder=$1 line=$2 out=$1/out
: >$out
zpty -b shell zsh -f -i
zpty -w shell "
OUT=\${(q)out} PS1='' fpath=(\${(q)folder} \\$fpath)
autoload -Uz compinit; compinit -u -D
compadd() {
  if (( \\\${argv[(I)-[OAD]]} )); then builtin compadd \\"\\$@\\"; return; fi
  local -a hits
  builtin compadd -O hits \\"\\$@\\"
  if (( \\$#hits )); then print -rl -- \\$hits >>\\$OUT; fi
  builtin compadd \\"\\$@\\"
}
finish() { print -r -- END >>\\$OUT }
comppostfuncs=(finish)
print -r -- READY >>\\$OUT
"
await() {
  repeat 600; do
    if grep -qx $1 $out; then return; fi
    # What it echoes must be read, or it waits.
    while zpty -r -t shell _; do :; done
    sleep 0.05
  done
  exit 1
}
await READY
zpty -n -w shell "$line"$'\\t'
await END
zpty -d shell
grep -vx -e READY -e END $out
exit 0
`;

/** A completion script on disk, and a shell that has it, in a folder with file.yaml and the folder "folder". */
export class ShellWithCompletion {
  readonly #shell: Shell;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kpn-completion-'));
  readonly #file: string;

  constructor(context: { after(work: () => void): void }, shell: Shell) {
    context.after(() => rmSync(this.#folder, { recursive: true }));
    this.#shell = shell;
    this.#file = join(this.#folder, FILE_NAMES[shell]);
    mkdirSync(join(this.#folder, 'work', 'folder'), { recursive: true });
    writeFileSync(join(this.#folder, 'work', 'file.yaml'), '');
    writeFileSync(this.#file, completionText(shell, COMMANDS));
  }

  /** Whether the shell can read the script at all. Throws with its complaint. */
  checkSyntax(): void {
    this.#run(['-n', this.#file]);
  }

  /** What is offered after these words, the last of which is unfinished; in any order, descriptions left out. */
  offers(...words: readonly string[]): readonly string[] {
    const typed = ['kube-proxy-nft', ...words];
    const args: Readonly<Record<Shell, () => readonly string[]>> = {
      bash: () => ['--norc', '-c', BASH, 'bash', this.#file, ...typed],
      zsh: () => ['-f', '-c', ZSH, 'zsh', this.#folder, typed.join(' ')],
      fish: () => ['-c', FISH, this.#file, typed.join(' ')],
    };
    const lines = this.#run(args[this.#shell]()).split('\n');
    return [...new Set(lines.map((line) => line.replace(/\t.*/, '')))].filter((line) => line !== '').toSorted();
  }

  /** What a zsh that has sourced the script completes our command with. */
  sourced(): string {
    const script = 'autoload -Uz compinit; compinit -u -D; source $1; print -r -- $_comps[kube-proxy-nft]';
    return this.#run(['-f', '-c', script, 'zsh', this.#file]);
  }

  #run(args: readonly string[]): string {
    const options = {
      // Nothing of the user's own configuration.
      env: { PATH: process.env['PATH'], HOME: this.#folder, TERM: 'dumb', LC_ALL: 'C.UTF-8' },
      cwd: join(this.#folder, 'work'),
      encoding: 'utf8',
      timeout: 60_000,
    } as const;
    const { error, status, stdout, stderr } = spawnSync(this.#shell, args, options);
    if (error !== undefined) throw error;
    if (status !== 0 || stderr !== '') throw new Error(`${this.#shell} ended with ${status}: ${stdout}${stderr}`);
    return stdout;
  }
}
