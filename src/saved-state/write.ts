import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { assertPrivateFolder } from '../host/private-folder.ts';
import type { KubeObject } from '../objects/decode.ts';
import { MAX_STATE_BYTES, NEW_STATE_FILE, STATE_FILE, type StateHead, stateLines } from './format.ts';

/** Milliseconds of work until others get a turn. A line may contain a thousand endpoints, which take half a millisecond. */
const SLICE = 4;

/** Characters that are written at a time. More would be copied for longer. */
const CHUNK = 64 * 1024;

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

export interface StateWriteOptions {
  readonly maxBytes?: number;
}

/**
 * Writes the objects to the state directory: to a new file beside the existing one (mode 0600), which it replaces once it is
 * complete on disk. So there is always one complete file. Returns how many milliseconds of this thread's work it took.
 * @throws Error with the reason if it could not be written (ENOSPC, EROFS, …); the old file stays
 */
export async function writeState(
  folder: string,
  head: StateHead,
  objects: Iterable<KubeObject>,
  { maxBytes = MAX_STATE_BYTES }: StateWriteOptions = {},
): Promise<number> {
  await assertPrivateFolder(folder);
  const path = join(folder, NEW_STATE_FILE);
  // Left by a process that was killed while it wrote.
  await rm(path, { force: true });
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    const took = await writeLines(file, stateLines(head, objects), maxBytes);
    await file.sync();
    await file.close();
    await rename(path, join(folder, STATE_FILE));
    await syncFolder(folder);
    return took;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeLines(file: FileHandle, lines: Iterable<string>, maxBytes: number): Promise<number> {
  let took = 0;
  let size = 0;
  let began = performance.now();
  let pending: string[] = [];
  let length = 0;
  const pause = () => {
    took += performance.now() - began;
  };
  const flush = async () => {
    const chunk = Buffer.from(pending.join(''));
    pending = [];
    length = 0;
    size += chunk.length;
    if (size > maxBytes) throw new Error(`it would be larger than ${maxBytes} bytes`);
    pause();
    // FileHandle.write may write less.
    await file.writeFile(chunk);
    began = performance.now();
  };
  for (const line of lines) {
    pending.push(line);
    length += line.length;
    if (length >= CHUNK) await flush();
    else if (performance.now() - began >= SLICE) {
      pause();
      await setImmediate();
      began = performance.now();
    }
  }
  await flush();
  return took;
}

/** The file name must also survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
