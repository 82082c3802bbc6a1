import { stat } from 'node:fs/promises';
import process from 'node:process';

/**
 * Makes sure that only the owner, who is root or this user, can put files into a folder.
 * @throws Error with the reason if not
 */
export async function assertPrivateFolder(path: string): Promise<void> {
  const found = await stat(path);
  if (!found.isDirectory()) throw new Error('it is not a directory');
  if ((found.mode & 0o022) !== 0) throw new Error('users other than its owner can write to it');
  if (found.uid !== 0 && found.uid !== process.geteuid?.())
    throw new Error(`it belongs to another user (uid ${found.uid})`);
}
