import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** As "w", but never through a link that somebody put in our way. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** Writes a file of mode 0600 into the run directory, which is made if it is not there; returns its path. */
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
