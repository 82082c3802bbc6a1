import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { errnoOf } from '../errors.ts';
import { createLineSplitter } from '../host/line-splitter.ts';
import { ProcessError, type ProcessOptions, runProcess } from '../host/process.ts';

/** Why an nft command failed, as far as its caller can react to it. */
export type NftFailure =
  /** There is no nft to run. */
  | 'missing'
  /** There are currently no processes, file descriptors or memory for it. Nothing was sent. */
  | 'not-started'
  /** EPERM: not root, or without CAP_NET_ADMIN in this network namespace. */
  | 'not-permitted'
  /** ENOENT: a table, chain, set or element does not exist. */
  | 'not-found'
  /** The kernel or nft refused the input. Nothing of it is in force. */
  | 'refused'
  /** nft crashed, or was killed at its time limit. It is unknown whether the input is in force. */
  | 'unknown-outcome';

/** An nft command that failed. The message is nft's first line of complaint. */
export class NftError extends Error {
  readonly failure: NftFailure;
  /** True if nft was killed at its time limit. */
  readonly isTooSlow: boolean;

  constructor(failure: NftFailure, message: string, isTooSlow = false) {
    super(message);
    this.name = 'NftError';
    this.failure = failure;
    this.isTooSlow = isTooSlow;
  }
}

/** Bytes of a listing: 900,000 elements of usual length. */
const MAX_LISTING = 128 * 1024 * 1024;

/** The path under which nft opens its own stdin. Not "-": some versions then continue reading where the writer stopped. */
export const STDIN = '/proc/self/fd/0';

/** Starts a program with a pipe as its stdin. Node's own pipes are sockets, which nft cannot open by path. */
const BY_PIPE = ['/bin/sh', '-c', 'cat | "$0" "$@"'];

export interface RunOptions {
  /** The executable: a name looked up in PATH and the sbin folders, or a path. */
  readonly nft: string;
  /** Seconds until nft is killed. */
  readonly timeout: number;
  /** What nft finds at STDIN: an open file, or text. Default: nothing. */
  readonly stdin?: number | string;
}

/**
 * Runs nft to its end and returns its stdout.
 * @throws NftError
 */
export function runNft(args: readonly string[], options: RunOptions): Promise<Buffer> {
  return run(args, options, { maxOutput: MAX_LISTING });
}

/** What nft has printed. */
export interface Printed {
  /** Bytes. */
  readonly size: number;
  readonly digest: string;
  /** True if the text was known, so no line was passed on. */
  readonly isKnown: boolean;
}

export interface LinesOptions {
  /** A folder for a file that nft prints to, for listings that may be long. */
  readonly outputIn?: string | undefined;
  /** The digest of a text, of at most MAX_KNOWN bytes, whose lines are not needed. */
  readonly known?: string | undefined;
  /** Called when nft begins to print. */
  readonly onFirst?: (() => void) | undefined;
}

/**
 * Runs nft to its end, and passes on each line of its stdout as it arrives, without its newline. If `onLine` throws, nft is
 * killed and the error is thrown.
 * @throws NftError
 */
export async function runNftLines(
  args: readonly string[],
  options: RunOptions,
  onLine: (line: string) => void,
  { outputIn, known, onFirst }: LinesOptions = {},
): Promise<Printed> {
  const hash = createHash('sha256');
  let size = 0;
  /** Kept until it is known whether they are needed. */
  const kept: Buffer[] = [];
  let thrown: { readonly error: unknown } | undefined;
  let problem: string | undefined;
  const split = createLineSplitter(onLine, () => {
    problem = 'printed an endless line';
  });
  const give = (piece: Buffer) => {
    try {
      // nft prints bytes as they are. Everything of ours is ASCII.
      if (thrown === undefined) split(piece.toString('latin1'));
    } catch (error) {
      thrown = { error };
      problem = 'printed something that cannot be parsed';
    }
    return problem;
  };
  const onOutput = (piece: Buffer) => {
    if (size === 0) onFirst?.();
    size += piece.length;
    hash.update(piece);
    if (known === undefined) return give(piece);
    kept.push(Buffer.from(piece));
    return undefined;
  };
  try {
    await run(args, options, { onOutput, maxOutput: known === undefined ? MAX_LISTING : 2 * MAX_KNOWN, outputIn });
    const digest = hash.digest('base64');
    const isKnown = digest === known;
    for (const piece of isKnown ? [] : kept) {
      if (give(piece) !== undefined) throw new NftError('unknown-outcome', `nft ${problem}`);
      await setImmediate();
    }
    return { size, digest, isKnown };
  } catch (error) {
    throw thrown === undefined ? error : thrown.error;
  }
}

/** Bytes of the longest known text: 170,000 elements. Until nft ends, this much output is kept. */
export const MAX_KNOWN = 16 * 1024 * 1024;

async function run(
  args: readonly string[],
  { nft, timeout, stdin }: RunOptions,
  output: Pick<ProcessOptions, 'maxOutput' | 'onOutput' | 'outputIn'>,
): Promise<Buffer> {
  const argv = [...(typeof stdin === 'string' ? BY_PIPE : []), nft, ...args];
  const options = { timeLimit: timeout, ...output, ...(stdin !== undefined && { stdin }) };
  const { code, signal, stdout, stderr } = await runProcess(argv, options).catch((error) => {
    throw notRun(error, nft);
  });
  if (code === 0) return stdout;
  if (code === 1) throw refusal(stderr, 'nft ended with exit code 1');
  // nft has no other exit code, so it crashed, or a wrapper around it did.
  throw new NftError('unknown-outcome', `nft was ended by ${signal ?? `exit code ${code}: ${stderr.trim()}`}`);
}

/** The error for an nft that could not be started, or was killed. */
export function notRun(error: unknown, nft: string): NftError {
  if (!(error instanceof ProcessError)) throw error;
  if (error.failure === 'killed') return new NftError('unknown-outcome', `nft ${error.message}`, error.isTooSlow);
  // The file has CAP_NET_ADMIN, as in our image, but the pod does not.
  if (errnoOf(error.cause) === 'EPERM') return new NftError('not-permitted', `${nft} ${error.message}`);
  const isMissing = error.failure === 'missing' || errnoOf(error.cause) === 'EACCES';
  return new NftError(isMissing ? 'missing' : 'not-started', `${nft} ${error.message}`);
}

/** The error for an input that nft refused, from what it printed. `silent`: the message if it printed nothing. */
export function refusal(stderr: string, silent: string): NftError {
  return new NftError(failureOf(stderr), firstComplaint(stderr) || silent);
}

function failureOf(stderr: string): NftFailure {
  if (stderr.includes('Operation not permitted')) return 'not-permitted';
  return stderr.includes('No such file or directory') ? 'not-found' : 'refused';
}

/** What nft 1.1 prints at its start if the run directory does not exist. */
const WARNINGS = /^(?:Warning: .*\n)+/;

/** What nft printed, without the warnings at its beginning. */
export function withoutWarnings(stderr: string): string {
  return stderr.replace(WARNINGS, '');
}

/** The first line without its position, which is meaningless in JSON mode ("internal:0:0-0: "). */
function firstComplaint(stderr: string): string {
  const lines = withoutWarnings(stderr).split('\n');
  const line = lines.find((text) => text.trim() !== '') ?? '';
  return line
    .replace(/^internal:0:0-0: /, '')
    .replace(/^Error: /, '')
    .trim();
}
