import process from 'node:process';
import { StringDecoder } from 'node:string_decoder';
import { errnoOf } from '../errors.ts';
import { visible } from '../log-line.ts';

/** Bytes escaped at a time. A dump may be longer than the maximum length of a string. */
const PIECE = 4 * 1024 * 1024;

const left = new AbortController();

/** Aborted once the reader of stdout has closed it ("| head"). This shows only at the next write. */
export const readerLeft: AbortSignal = left.signal;

/** Prints data that may come from outside on stdout, with control characters escaped. */
export function print(text: string | Buffer): void {
  if (!process.stdout.listeners('error').includes(onError)) process.stdout.on('error', onError);
  if (typeof text === 'string') {
    process.stdout.write(visible(text));
    return;
  }
  const decoder = new StringDecoder('utf8');
  for (let start = 0; start < text.length; start += PIECE) {
    process.stdout.write(visible(decoder.write(text.subarray(start, start + PIECE))));
  }
  process.stdout.write(visible(decoder.end()));
}

function onError(error: unknown): void {
  // The reader closed the pipe early.
  if (errnoOf(error) !== 'EPIPE') throw error;
  left.abort();
}
