import type { Collected } from './collect.ts';
import { type PackedFile, tarball } from './tar.ts';

const KIB = 1024;

/** The contents of the archive: one line per file, including files that are left out, with the reason. */
export function contents(collected: readonly Collected[]): string {
  const width = Math.max(...collected.map(({ name }) => name.length));
  return collected
    .map(({ name, about, text, leftOut }) => {
      const size = leftOut === undefined ? `${(Buffer.byteLength(text) / KIB).toFixed(1)} KiB` : 'left out';
      return `  ${size.padStart(12)}  ${name.padEnd(width)}  ${about}${leftOut === undefined ? '' : `: ${leftOut}`}\n`;
    })
    .join('');
}

/** The archive: all files that are not left out, in a folder, with the list of contents. `seconds`: now, since 1970. */
export function archiveOf(folder: string, collected: readonly Collected[], seconds: number): Buffer {
  const files: PackedFile[] = collected
    .filter(({ leftOut }) => leftOut === undefined)
    .map(({ name, text }) => ({ name: `${folder}/${name}`, content: Buffer.from(text) }));
  return tarball([{ name: `${folder}/contents.txt`, content: Buffer.from(contents(collected)) }, ...files], seconds);
}
