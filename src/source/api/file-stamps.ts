import { statSync } from 'node:fs';
import { errnoOf } from '../../errors.ts';

/**
 * Detects changes of files without reading them: modification time, size and inode (mounted ConfigMaps and tokens are
 * replaced through a symbolic link). A missing file has a stamp, too.
 */
export function stampOf(files: readonly string[]): string {
  return files.map(stampOfFile).join(' ');
}

function stampOfFile(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs}:${size}:${ino}`;
  } catch (error) {
    return errnoOf(error) ?? 'unreadable';
  }
}
