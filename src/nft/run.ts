import { spawn } from 'node:child_process';
import process from 'node:process';
import { errnoOf } from '../errors.ts';

/** Why an nft command failed, as far as its caller can act on it. */
export type NftFailure =
  /** There is no nft to run. */
  | 'missing'
  /** EPERM: not root, or without CAP_NET_ADMIN in this network namespace. */
  | 'not-permitted'
  /** ENOENT: a table, chain, set or element is not there. */
  | 'not-found'
  /** The kernel or nft refused the input; nothing of it is in force. */
  | 'refused'
  /** nft crashed or was killed after its time limit: whether the input is in force is not known. */
  | 'unknown-outcome';

/** A failed nft command. The message is nft's own first line of complaint. */
export class NftError extends Error {
  readonly failure: NftFailure;

  constructor(failure: NftFailure, message: string) {
    super(message);
    this.name = 'NftError';
    this.failure = failure;
  }
}

/** stderr beyond this is dropped: JSON mode repeats one line per refused command. */
const MAX_STDERR = 64 * 1024;

export interface RunOptions {
  /** The executable: a name looked up in PATH and the sbin folders, or a path. */
  readonly nft: string;
  /** Seconds until nft is killed. */
  readonly timeout: number;
}

/**
 * Runs nft to its end and returns its stdout.
 * @throws NftError
 */
export function runNft(args: readonly string[], { nft, timeout }: RunOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(nft, args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    let stderr = '';
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      child.kill('SIGKILL');
    }, timeout * 1000);
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < MAX_STDERR) stderr += text;
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      const missing = errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EACCES';
      reject(new NftError(missing ? 'missing' : 'unknown-outcome', `${nft} cannot be run: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(Buffer.concat(stdout));
      if (expired) return reject(new NftError('unknown-outcome', `nft took more than ${timeout} s and was killed`));
      if (signal !== null) return reject(new NftError('unknown-outcome', `nft was ended by ${signal}`));
      reject(refusal(stderr, `nft ended with exit code ${code}`));
    });
  });
}

/**
 * The environment of nft: it lives in sbin, which a daemon's PATH may lack; errors are matched in English; and
 * `nft -i` would read and write its history (.nft.history) in HOME, or in the root folder without one.
 */
export function environment(): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`,
    LC_ALL: 'C',
    HOME: '/dev/null',
  };
}

/** The error for an input that nft did not take, by what it said; `silent`: the message if it said nothing. */
export function refusal(stderr: string, silent: string): NftError {
  return new NftError(failureOf(stderr), firstComplaint(stderr) || silent);
}

function failureOf(stderr: string): NftFailure {
  if (stderr.includes('Operation not permitted')) return 'not-permitted';
  return stderr.includes('No such file or directory') ? 'not-found' : 'refused';
}

/** The first line without the position, which JSON mode does not have ("internal:0:0-0: "). */
function firstComplaint(stderr: string): string {
  const line = stderr.split('\n').find((text) => text.trim() !== '') ?? '';
  return line
    .replace(/^internal:0:0-0: /, '')
    .replace(/^Error: /, '')
    .trim();
}
