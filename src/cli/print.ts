import process from 'node:process';
import { StringDecoder } from 'node:string_decoder';
import { errnoOf } from '../errors.ts';
import { visible } from '../log-line.ts';

/** Bytes made visible at a time: a dump may be longer than a string can be. */
const PIECE = 4 * 1024 * 1024;

const left = new AbortController();

/** Aborted once nobody reads what is printed any more ("| head"), which shows at the next that is. */
export const readerLeft: AbortSignal = left.signal;

/** Prints on stdout what is from outside, or may hold something that is: nothing in it talks to a terminal. */
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
  // The reader has seen enough.
  if (errnoOf(error) !== 'EPIPE') throw error;
  left.abort();
}
