import process from 'node:process';
import { errnoOf, ProxyError } from '../../errors.ts';
import { didYouMean } from '../../suggest.ts';
import type { Information } from '../command-line.ts';
import { bashCompletion } from './bash.ts';
import { COMMANDS, findCommand, SHELLS } from './commands.ts';
import { fishCompletion } from './fish.ts';
import { manualPage } from './man.ts';
import { commandPage, overview } from './pages.ts';
import { zshCompletion } from './zsh.ts';

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/**
 * Prints help, the manual page, or a completion script.
 * @throws ProxyError E_USAGE for a command or shell that nobody knows
 */
export function printInformation(asked: Information): void {
  const text = informationText(asked);
  process.stdout.on('error', (error) => {
    // The reader has seen enough ("| head").
    if (errnoOf(error) !== 'EPIPE') throw error;
  });
  process.stdout.write(text);
}

/** What is printed. Throws as printInformation does. */
export function informationText({ command, topic }: Information): string {
  if (command === 'completion') {
    const shell = SHELLS.find((known) => known === topic);
    if (shell === undefined)
      throw new ProxyError('E_USAGE', `completion ${JSON.stringify(topic)}: bash, zsh or fish is expected`);
    return SCRIPTS[shell]();
  }
  if (command === 'man') {
    if (topic !== '') throw new ProxyError('E_USAGE', `man: unexpected argument ${JSON.stringify(topic)}`);
    return manualPage();
  }
  if (topic === '') return overview();
  const known = findCommand(topic);
  if (known !== undefined) return commandPage(known);
  const names = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const message = `help: there is no command ${JSON.stringify(topic)}${didYouMean(topic, names)}; see kube-proxy-nft help`;
  throw new ProxyError('E_USAGE', message);
}
