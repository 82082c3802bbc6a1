import { closeSync, openSync, read, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Bytes that a folder must have room for: many times what nft prints of 100,000 elements. */
const ROOM = 64 * 1024 * 1024;

/** Bytes that are read at a time: some milliseconds of work for whoever takes them. */
const PIECE = 64 * 1024;

/** Milliseconds until somebody who has read all that is there looks again. */
const LOOK_INTERVAL = 20;

const readFrom = promisify(read);

let made = 0;

/**
 * A file without a name for a process to print to, while this process reads what is there. nft writes each line by itself,
 * and Node's pipes are sockets: for 25,000 lines each of the two wakes the other so often that this costs half a second of
 * CPU time, and nft takes twice as long.
 */
export class OutputFile {
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** `directory`: only root and we can write there. Undefined where it takes no such file: then there are pipes. */
  static open(directory: string): OutputFile | undefined {
    try {
      const { bavail, bsize } = statfsSync(directory);
      if (bavail * bsize < ROOM) return undefined;
      made += 1;
      const path = join(directory, `output-${process.pid}-${made}`);
      const fd = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return new OutputFile(fd);
    } catch {
      // The folder is gone, or cannot be written to, or there are no file descriptors: whoever needs it says so.
      return undefined;
    }
  }

  /** Gives what is printed, piece by piece, until `over` resolves and all is read, or `take` returns false. */
  async follow(take: (piece: Buffer) => boolean, over: Promise<void>): Promise<void> {
    let isOver = false;
    const end = over.then(() => {
      isOver = true;
    });
    const buffer = Buffer.alloc(PIECE);
    for (let position = 0; ; ) {
      const wasOver = isOver;
      const { bytesRead } = await readFrom(this.fd, buffer, 0, PIECE, position);
      position += bytesRead;
      if (bytesRead > 0 && !take(buffer.subarray(0, bytesRead))) return;
      if (bytesRead > 0) continue;
      if (wasOver) return;
      await Promise.race([end, sleep(LOOK_INTERVAL)]);
    }
  }

  /** It is gone with that. */
  close(): void {
    closeSync(this.fd);
  }
}
