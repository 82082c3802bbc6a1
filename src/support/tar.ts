import { gzipSync } from 'node:zlib';

/** A file for an archive. */
export interface PackedFile {
  /** At most 100 bytes, with its folder: "support/status.txt". */
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK = 512;

/**
 * A .tar.gz (POSIX ustar) with these files, owned by root, mode 0600. It is built in memory, because the program tar may be
 * missing, and needs each file on the disk first, which a container with a read-only root file system does not allow.
 * `seconds`: the modification time, since 1970.
 */
export function tarball(files: readonly PackedFile[], seconds: number): Buffer {
  const blocks = files.flatMap(({ name, content }) => [
    header(name, content.length, seconds),
    content,
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]));
}

function header(name: string, size: number, seconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
  const fields: readonly (readonly [offset: number, text: string])[] = [
    [0, name],
    [100, octal(0o600, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(size, 12)],
    [136, octal(seconds, 12)],
    // The checksum is computed with spaces in its own field.
    [148, ' '.repeat(8)],
    [156, '0'],
    [257, 'ustar\u000000'],
    [265, 'root'],
    [297, 'root'],
  ];
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long a name for an archive`);
  for (const [offset, text] of fields) block.write(text, offset);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${octal(sum, 7)}\u0000 `, 148);
  return block;
}
