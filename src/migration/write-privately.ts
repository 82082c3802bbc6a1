import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** Like "w", but never follows a link that someone else put there. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** Writes a file with mode 0600 into the run directory, which it creates if necessary. Returns the path. */
export async function writePrivately(runDir: string, name: string, text: string): Promise<string> {
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const path = join(runDir, name);
  const file = await open(path, FLAGS, 0o600);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  return path;
}
