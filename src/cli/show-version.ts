import process from 'node:process';
import { COMMIT, VERSION, versionLine } from '../version.ts';
import type { Arguments } from './arguments.ts';
import { print } from './print.ts';

/** `version`: of this executable, as a line or as JSON. */
export function showVersion({ output }: Pick<Arguments, 'output'>): void {
  const facts = { version: VERSION, commit: COMMIT, node: process.version };
  print(output === 'json' ? `${JSON.stringify(facts, undefined, 2)}\n` : `${versionLine()}\n`);
}
