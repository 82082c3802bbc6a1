import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that a release is made with. */
export interface Tool {
  readonly command: string;
  /** The Debian package that has it. */
  readonly package: string;
  /** What its --version says, where not every program of this name will do. */
  readonly says?: RegExp;
}

/** What `npm run release` runs, besides Node.js itself. `foreign`: strip for the other architecture. */
export const releaseTools = (foreign: Tool): readonly Tool[] => [
  { command: 'git', package: 'git' },
  { command: 'npm', package: 'npm' },
  { command: 'strip', package: 'binutils' },
  foreign,
  // Only GNU's sorts, and sets times and owners.
  { command: 'tar', package: 'tar', says: /GNU tar/ },
  { command: 'gzip', package: 'gzip' },
];

/** Throws where tools are missing in `path` (as in PATH), and names all of them with their packages. */
export function requireTools(tools: readonly Tool[], path: string): void {
  const missing = tools.filter((tool) => !isThere(tool, path));
  if (missing.length === 0) return;
  const names = missing.map(({ command, says }) => (says === undefined ? command : `${command} (${says.source})`));
  const packages = [...new Set(missing.map((tool) => tool.package))].sort();
  throw new Error(`missing: ${names.join(', ')}. Debian's packages for them: ${packages.join(' ')}`);
}

function isThere({ command, says }: Tool, path: string): boolean {
  const file = path
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find(isExecutable);
  if (file === undefined) return false;
  if (says === undefined) return true;
  const { error, stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' });
  return error === undefined && says.test(stdout);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
