import { closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { messageOf } from '../errors.ts';
import { type RunOptions, runNft, STDIN } from './run.ts';

/** O_TMPFILE, which Node has no name for: a file in a folder, but without a name there. It is gone when it is closed. */
const NAMELESS = constants.O_RDWR | constants.O_DIRECTORY | 0o20000000;

/** As "w", but never through a link that somebody put in our way. */
const WRITE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * Gives nft a document as its input: in a file, which is the cheapest, that stands in the run directory or wherever else
 * there is room; through a pipe where there is none. `args` come before it. Throws NftError.
 */
export async function load(
  args: readonly string[],
  document: string,
  { runDir, ...options }: Pick<RunOptions, 'nft' | 'timeout'> & { readonly runDir: string },
): Promise<void> {
  const file = openInput(document, inputFolders(runDir));
  try {
    // The folder to include files from: nothing is included, but it shows in a list of processes.
    await runNft([...args, '-I', runDir, '-f', STDIN], { ...options, stdin: file ?? document });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Where a file for nft may be, the best first. */
export function inputFolders(runDir: string): readonly string[] {
  return [runDir, '/dev/shm', tmpdir()];
}

/**
 * A file that holds the document, in the first folder that takes it; undefined if none does. Synchronously (most of
 * them are in memory): nft starts before the caller goes on to prepare the next document.
 */
export function openInput(document: string, folders: readonly string[]): number | undefined {
  for (const folder of folders) {
    let file: number | undefined;
    try {
      file = openSync(folder, NAMELESS, 0o600);
      writeFileSync(file, document);
      return file;
    } catch {
      // Full, read-only, gone, without such files: the next one may do, and what none takes goes through a pipe.
      if (file !== undefined) closeSync(file);
    }
  }
  return undefined;
}

/** Leaves a document at `path`, mode 0600, for an operator to look at. Returns where it is, or why it is not. */
export function leaveInput(path: string, document: string): string {
  try {
    const file = openSync(path, WRITE_FLAGS, 0o600);
    try {
      writeFileSync(file, document);
    } finally {
      closeSync(file);
    }
    return `input in ${path}`;
  } catch (error) {
    removeQuietly(path);
    return `input lost: ${messageOf(error)}`;
  }
}

/** A part of a document would mislead. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What could not be written, mostly cannot be removed either; leaveInput tells why.
  }
}
