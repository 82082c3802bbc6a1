import process from 'node:process';
import { visible } from '../log-line.ts';
import type { Sign, SignedLine } from '../status/changes-text.ts';

const COLOURS: Readonly<Record<Sign, string>> = { '+': '32', '-': '31', '~': '33', ' ': '' };

/** Whether the output may have colours: on a terminal, unless NO_COLOR is set (no-color.org). */
export function hasColours(environment: NodeJS.ProcessEnv = process.env, isTerminal = process.stdout.isTTY): boolean {
  return isTerminal === true && !environment['NO_COLOR'];
}

/** Lines prefixed with their signs. All control characters except the colours are escaped. */
export function signedText(lines: readonly SignedLine[], isColoured: boolean): string {
  return lines
    .map(([sign, text]) => {
      const line = visible(`${sign} ${text}`).trimEnd();
      return `${isColoured && sign !== ' ' ? `\u001b[${COLOURS[sign]}m${line}\u001b[0m` : line}\n`;
    })
    .join('');
}
