import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { errnoOf, messageOf } from '../errors.ts';
import { rememberChild } from './children.ts';
import { OutputFile } from './output-file.ts';

/**
 * Milliseconds from a process's exit until what it has left running is killed. Until then that may have more to say;
 * after it, it would keep the output open, and us waiting, for ever.
 */
const GRACE = 1000;

/** Characters of stderr that are kept; the rest is dropped. nft says a line for each command it refuses. */
const MAX_STDERR = 64 * 1024;

/**
 * How much sooner than this process the OOM killer takes a tool (proc(5), oom_score_adj): by all the memory there is, so that
 * sizes do not count. Under the unit and kubelet, which protect this process (-999, -997), a tool is as others are.
 */
const TOOL_OOM_SCORE = 1000;

/** Why there is no result, as far as the caller can act on it. */
export type ProcessFailure =
  /** There is no such program. */
  | 'missing'
  /** It cannot be started: no right to it, no file descriptors, no memory. */
  | 'not-started'
  /** It met a limit, or was told to stop, and was killed. */
  | 'killed';

/** A process without a result. The message is what follows the program's name: "took more than 60 s and was killed". */
export class ProcessError extends Error {
  readonly failure: ProcessFailure;
  /** True if it was killed since it met its time limit. */
  readonly isTooSlow: boolean;

  constructor(failure: ProcessFailure, message: string, options?: { cause?: unknown; isTooSlow?: boolean }) {
    super(message, options);
    this.name = 'ProcessError';
    this.failure = failure;
    this.isTooSlow = options?.isTooSlow ?? false;
  }
}

export interface ProcessOptions {
  /** Seconds until it is killed. */
  readonly timeLimit: number;
  /** Its stdin: an open file, or text that it reads from a pipe. Default: empty. */
  readonly stdin?: number | string;
  /** Bytes of stdout with more than which it is killed. Default: none, or with onOutput any number. */
  readonly maxOutput?: number;
  /** Gets stdout piece by piece, which is not kept then. What it returns is what the process did to be killed for. */
  readonly onOutput?: (piece: Buffer) => string | undefined;
  /** A folder for a file that stdout goes to, for those who print much and line by line (see output-file.ts). */
  readonly outputIn?: string | undefined;
  /** Kills it when aborted. */
  readonly signal?: AbortSignal;
  /** True: all else on the node comes first. */
  readonly lowPriority?: boolean;
}

export interface ProcessResult {
  /** The exit code; null when a signal that we did not send ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Empty with onOutput. */
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How processes are started here: in a group of their own, so that what a wrapper script starts ends with it. */
export const IN_A_GROUP = { detached: true } as const;

/**
 * Runs a program (looked up in PATH and the sbin folders) to its end, which comes: what it has started is killed with
 * it, and if it exits by itself, whoever still holds its output open is waited for no longer than the grace.
 * @throws ProcessError
 */
export async function runProcess(argv: readonly string[], options: ProcessOptions): Promise<ProcessResult> {
  const { timeLimit, stdin = 'ignore', onOutput, signal: stop } = options;
  const maxOutput = options.maxOutput ?? (onOutput === undefined ? 0 : Number.POSITIVE_INFINITY);
  const [command = '', ...args] = argv;
  if (stop?.aborted) throw new ProcessError('killed', 'was stopped');
  const input = typeof stdin === 'number' || stdin === 'ignore' ? stdin : 'pipe';
  const file = options.outputIn === undefined ? undefined : OutputFile.open(options.outputIn);
  const output = file?.fd ?? 'pipe';
  const child = await started(() =>
    spawn(command, args, { ...IN_A_GROUP, env: environment(), stdio: [input, output, 'pipe'] }),
  ).catch((error) => {
    file?.close();
    throw error;
  });
  if (options.lowPriority) lowerPriority(child);
  let problem: ProcessError | undefined;
  const kill = (why: string, isTooSlow = false) => {
    problem ??= new ProcessError('killed', `${why} and was killed`, { isTooSlow });
    killGroup(child);
  };
  const timer = setTimeout(() => kill(`took more than ${timeLimit} s`, true), timeLimit * 1000);
  const onStop = () => kill('was stopped');
  stop?.addEventListener('abort', onStop);
  if (stop?.aborted) onStop();
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (piece: Buffer) => {
    if (problem !== undefined) return false;
    size += piece.length;
    const why = size > maxOutput ? `printed more than ${maxOutput} bytes` : onOutput?.(piece);
    if (why !== undefined) kill(why);
    else if (onOutput === undefined) chunks.push(file === undefined ? piece : Buffer.from(piece));
    return why === undefined;
  };
  child.stdout?.on('data', take);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(0, MAX_STDERR);
  });
  // A process that does not read to the end says why by its exit.
  child.stdin?.on('error', () => undefined);
  if (input === 'pipe') child.stdin?.end(stdin);
  child.once('exit', () => {
    clearTimeout(timer);
    endOutput(child);
  });
  const closed = new Promise<Pick<ProcessResult, 'code' | 'signal'>>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  try {
    await file?.follow(
      take,
      closed.then(() => undefined),
    );
    const { code, signal } = await closed;
    if (problem !== undefined) throw problem;
    return { code, signal, stdout: Buffer.concat(chunks), stderr };
  } finally {
    file?.close();
    stop?.removeEventListener('abort', onStop);
  }
}

/**
 * What `begin` spawns, once it runs. Not before: a process that cannot be started for want of file descriptors has no
 * streams to listen to. Where memory is short, the kernel ends it before this process.
 * @throws ProcessError missing, not-started
 */
export async function started<Started extends ChildProcess>(begin: () => Started): Promise<Started> {
  try {
    const child = begin();
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      // It stays: a kill that fails is told here, too.
      child.on('error', reject);
    });
    goFirst(child);
    rememberChild(child.pid);
    return child;
  } catch (error) {
    const failure = errnoOf(error) === 'ENOENT' ? 'missing' : 'not-started';
    throw new ProcessError(failure, `cannot be run: ${messageOf(error)}`, { cause: error });
  }
}

/** Kills a process that was started IN_A_GROUP with all it has started. Does nothing once it has exited. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // The process alone where a sandbox forbids groups.
  if (!signalGroup(child.pid, 'SIGKILL')) child.kill('SIGKILL');
}

/**
 * The environment of tools: they live in sbin, which a daemon's PATH may lack; what they say is matched in English; and
 * `nft -i` would read and write its history (.nft.history) in HOME, or in the root folder without one.
 */
export function environment(): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`,
    LC_ALL: 'C',
    HOME: '/dev/null',
  };
}

/** For a process that has exited: after the grace, its output ends whoever holds it. */
function endOutput(child: ChildProcess): void {
  // Known now: once the whole group is gone, its number may become somebody else's.
  const left = child.pid !== undefined && signalGroup(child.pid, 0);
  const giveUp = () => {
    if (left && child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  let last: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // After what has come meanwhile is read: this process may itself have been busy for so long.
    last = setImmediate(giveUp);
  }, GRACE);
  child.once('close', () => {
    clearTimeout(timer);
    clearImmediate(last);
  });
}

/** True if the group has a process that got the signal; 0 only asks. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    // ESRCH: nobody is left in it. EPERM: those that are have another user's rights.
    return false;
  }
}

/**
 * Has the kernel's OOM killer prefer a tool to this process, whose score it would inherit: a killed nft is a transaction to
 * send again, in smaller parts, and within one cgroup the larger process would go, which is mostly this one.
 */
function goFirst({ pid }: ChildProcess): void {
  try {
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));
    // To raise it takes no capability.
    writeFileSync(`/proc/${pid}/oom_score_adj`, `${Math.min(own + TOOL_OOM_SCORE, 1000)}`);
  } catch {
    // It has ended by now, or a sandbox forbids it: it does its work all the same.
  }
}

function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may forbid it: it does its work all the same.
  }
}
