import { closeSync, openSync, read, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Bytes of free space that a folder must have: many times what nft prints for 100,000 elements. */
const ROOM = 64 * 1024 * 1024;

/** Bytes that are read at a time. The consumer works on them for some milliseconds. */
const PIECE = 64 * 1024;

/** Milliseconds until the next look after everything was read. */
const LOOK_INTERVAL = 20;

const readFrom = promisify(read);

let made = 0;

/**
 * A nameless file that a process prints to, while this process reads it. nft writes each line separately, and Node's pipes
 * are sockets. With a pipe, for 25,000 lines, the two processes would wake each other so often that this would cost half a
 * second of CPU time, and nft would take twice as long.
 */
export class OutputFile {
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** `directory`: only root and we can write there. Undefined if it does not support such files; then pipes are used. */
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
      // The folder is gone or not writable, or there are no file descriptors. Whoever needs the folder reports it.
      return undefined;
    }
  }

  /** Passes on what is printed, piece by piece, until `over` resolves and everything is read, or `take` returns false. */
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
