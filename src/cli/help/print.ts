import process from 'node:process';
import type { Arguments } from '../../config/arguments.ts';
import { errnoOf, ProxyError } from '../../errors.ts';
import { didYouMean } from '../../suggest.ts';
import type { Command } from '../command.ts';
import { namesOf } from '../requested-command.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { manualPage } from './man.ts';
import { commandPage, overview } from './pages.ts';
import { zshCompletion } from './zsh.ts';

type Operands = Pick<Arguments, 'operands'>;

const SCRIPTS: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `help`: an overview, or the page of a command. @throws ProxyError E_USAGE for an unknown command */
export function printHelp({ operands }: Operands, commands: readonly Command[]): void {
  print(helpText(operands.join(' '), commands));
}

/** `completion`: the script for one of the supported shells. */
export function printCompletion({ operands }: Operands, commands: readonly Command[]): void {
  print(completionText(operands[0] ?? '', commands));
}

/** `man`: the manual page, as roff. */
export function printManualPage(commands: readonly Command[]): void {
  print(manualPage(commands));
}

/** The help for a topic: a command's name, its first word, or its flag. Throws like printHelp. */
export function helpText(topic: string, commands: readonly Command[]): string {
  if (topic === '') return overview(commands);
  const names = (command: Command) => [...namesOf(command), command.flag ?? ''];
  const named = commands.filter((command) => names(command).includes(topic));
  const found = named.length > 0 ? named : commands.filter(({ name }) => name.startsWith(`${topic} `));
  if (found.length > 0) return found.map(commandPage).join('\n');
  const known = commands.flatMap(names).filter((name) => name !== '');
  const message = `help: there is no command ${JSON.stringify(topic)}${didYouMean(topic, known)}; see kube-proxy-nft help`;
  throw new ProxyError('E_USAGE', message);
}

/** The completion script for a shell. @throws ProxyError E_USAGE for an unknown shell */
export function completionText(shell: string, commands: readonly Command[]): string {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined)
    throw new ProxyError('E_USAGE', `completion: there is no script for ${JSON.stringify(shell)}`);
  return script(commands);
}

function print(text: string): void {
  process.stdout.on('error', (error) => {
    // The reader closed the pipe early, as "| head" does.
    if (errnoOf(error) !== 'EPIPE') throw error;
  });
  process.stdout.write(text);
}
