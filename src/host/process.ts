import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { errnoOf, messageOf } from '../errors.ts';
import { rememberChild } from './children.ts';
import { OutputFile } from './output-file.ts';

/**
 * Milliseconds from a process's exit until what it left running is killed. Until then there may be more output. After that,
 * the output would stay open, and we would wait, for ever.
 */
const GRACE = 1000;

/** Characters of stderr that are kept. nft prints a line for each command that it refuses. */
const MAX_STDERR = 64 * 1024;

/**
 * How much sooner the OOM killer takes a tool than this process (proc(5), oom_score_adj): as if it used all the memory, so
 * that sizes do not matter. Under the unit and kubelet, which protect this process (-999, -997), a tool is like any other
 * process.
 */
const TOOL_OOM_SCORE = 1000;

/** Why there is no result, as far as the caller can react to it. */
export type ProcessFailure =
  /** There is no such program. */
  | 'missing'
  /** It cannot be started: no permission, no file descriptors, no memory. */
  | 'not-started'
  /** It met a limit, or was told to stop, and was killed. */
  | 'killed';

/** A process without a result. The message follows the program's name: "took more than 60 s and was killed". */
export class ProcessError extends Error {
  readonly failure: ProcessFailure;
  /** True if it was killed at its time limit. */
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
  /** Bytes of stdout above which it is killed. Default: none, or with onOutput any number. */
  readonly maxOutput?: number;
  /** Receives stdout piece by piece, which is then not kept. If it returns a text, the process is killed for that reason. */
  readonly onOutput?: (piece: Buffer) => string | undefined;
  /** A folder for a file that stdout goes to, for programs that print much, line by line (see output-file.ts). */
  readonly outputIn?: string | undefined;
  /** Kills it when aborted. */
  readonly signal?: AbortSignal;
  /** True: everything else on the node comes first. */
  readonly lowPriority?: boolean;
}

export interface ProcessResult {
  /** The exit code; null if a signal ended it that we did not send. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Empty with onOutput. */
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Processes are started in a group of their own, so that what a wrapper script starts ends with it. */
export const IN_A_GROUP = { detached: true } as const;

/**
 * Runs a program (looked up in PATH and the sbin folders) to its end, which always comes: what it started is killed with it.
 * If it exits by itself, others that hold its output open have only the grace period.
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
  // If a process does not read its whole input, its exit says why.
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
 * Spawns a process with `begin`, and resolves once it runs. Not before: a process that cannot be started because there are
 * no file descriptors has no streams to listen to. If memory is short, the kernel ends it before this process.
 * @throws ProcessError missing, not-started
 */
export async function started<Started extends ChildProcess>(begin: () => Started): Promise<Started> {
  try {
    const child = begin();
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      // It stays registered, because a failed kill is reported here, too.
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

/** Kills a process that was started IN_A_GROUP, and everything it has started. Does nothing once it has exited. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // Only the process itself, if a sandbox forbids groups.
  if (!signalGroup(child.pid, 'SIGKILL')) child.kill('SIGKILL');
}

/**
 * The environment of tools. They are in sbin, which a daemon's PATH may lack. We match their messages in English. `nft -i`
 * would read and write its history (.nft.history) in HOME, or in the root folder without it.
 */
export function environment(): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`,
    LC_ALL: 'C',
    HOME: '/dev/null',
  };
}

/** For a process that has exited: kills whoever holds its output after the grace period. */
function endOutput(child: ChildProcess): void {
  // Determined now: once the whole group is gone, its number may be reused.
  const left = child.pid !== undefined && signalGroup(child.pid, 0);
  const giveUp = () => {
    if (left && child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  let last: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // After reading what has arrived in the meantime, because this process may itself have been busy.
    last = setImmediate(giveUp);
  }, GRACE);
  child.once('close', () => {
    clearTimeout(timer);
    clearImmediate(last);
  });
}

/** True if a process in the group received the signal; 0 only checks. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    // ESRCH: the group is empty. EPERM: its processes belong to another user.
    return false;
  }
}

/**
 * Makes the kernel's OOM killer prefer a tool to this process, whose score it would inherit. If nft is killed, a transaction
 * is sent again in smaller parts. Otherwise the larger process in the cgroup would be killed, usually this one.
 */
function goFirst({ pid }: ChildProcess): void {
  try {
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));
    // Increasing it needs no capability.
    writeFileSync(`/proc/${pid}/oom_score_adj`, `${Math.min(own + TOOL_OOM_SCORE, 1000)}`);
  } catch {
    // It has ended, or a sandbox forbids it. The tool works anyway.
  }
}

function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may forbid it. The tool works anyway.
  }
}
