import { closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { messageOf } from '../errors.ts';
import { type RunOptions, runNft, STDIN } from './run.ts';

/** O_TMPFILE, which Node has no name for: a file in a folder, but without a name. It is deleted when it is closed. */
const NAMELESS = constants.O_RDWR | constants.O_DIRECTORY | 0o20000000;

/** Like "w", but does not follow a link that somebody may have put there. */
const WRITE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * Passes a document to nft as its input. The cheapest way is a file, in the run directory or wherever else there is room. If
 * there is no room, it goes through a pipe. `args` come before it. Throws NftError.
 */
export async function load(
  args: readonly string[],
  document: string,
  { runDir, ...options }: Pick<RunOptions, 'nft' | 'timeout'> & { readonly runDir: string },
): Promise<void> {
  const file = openInput(document, inputFolders(runDir));
  try {
    // The folder for included files. Nothing is included, but it is visible in a list of processes.
    await runNft([...args, '-I', runDir, '-f', STDIN], { ...options, stdin: file ?? document });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The folders where a file for nft may be, the best first. */
export function inputFolders(runDir: string): readonly string[] {
  return [runDir, '/dev/shm', tmpdir()];
}

/**
 * A file with the document, in the first folder that accepts it; undefined if none does. It is written synchronously
 * (usually to memory), so that nft starts before the caller prepares the next document.
 */
export function openInput(document: string, folders: readonly string[]): number | undefined {
  for (const folder of folders) {
    let file: number | undefined;
    try {
      file = openSync(folder, NAMELESS, 0o600);
      writeFileSync(file, document);
      return file;
    } catch {
      // The folder is full, read-only, gone, or does not support such files. The next one may work. If none does, the
      // document goes through a pipe.
      if (file !== undefined) closeSync(file);
    }
  }
  return undefined;
}

/** Saves a document at `path`, with mode 0600, for an operator. Returns where it is, or why it could not be saved. */
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

/** An incomplete document would mislead. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What could not be written usually cannot be removed either. leaveInput reports why.
  }
}
