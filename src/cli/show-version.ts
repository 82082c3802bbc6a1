import process from 'node:process';
import type { Arguments } from '../config/arguments.ts';
import { COMMIT, VERSION, versionLine } from '../version.ts';
import { print } from './print.ts';
import { isForPrograms, printData } from './print-data.ts';

/** `version`: of this executable, as a line, JSON or YAML. */
export async function showVersion({ output }: Pick<Arguments, 'output'>): Promise<void> {
  const facts = { version: VERSION, commit: COMMIT, node: process.version };
  if (isForPrograms(output)) await printData(`${JSON.stringify(facts, undefined, 2)}\n`, output);
  else print(`${versionLine()}\n`);
}
