import { type ChildProcess, execFile, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/** What a program in a namespace printed and how it ended. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit status; null when a signal ended it. */
  readonly status: number | null;
}

export interface ExecOptions {
  /** Written to the program's stdin; without it stdin is empty. */
  readonly input?: string;
  /** Milliseconds after which the program is killed. Default 30,000. */
  readonly timeoutMs?: number;
  /** Return a non-zero exit status instead of throwing. Default false. */
  readonly allowFailure?: boolean;
  /** Environment, instead of this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** All namespaces of the tests start with this, followed by the process id of the test that made them. */
export const NAMESPACE_PREFIX = 'kpn-';
/** Where `ip netns add` puts its names. */
const NAMESPACE_DIRECTORY = '/run/netns';
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/**
 * Throws unless this process may make network namespaces. It never skips: a skipped test proves nothing.
 */
export function requireRoot(): void {
  if (process.geteuid?.() !== 0) {
    throw new Error('the network namespace tests need root: run them with sudo');
  }
}

/** The argument vector that runs `argv` inside a namespace, by exec: the process id stays the program's own. */
export function inNamespace(namespace: string, argv: readonly string[]): [string, ...string[]] {
  return ['ip', 'netns', 'exec', namespace, ...argv];
}

/** Runs a program and waits for it, blocking. Throws with its stderr when it fails (see `allowFailure`). */
export function runSync(argv: readonly string[], options: ExecOptions = {}): ExecResult {
  const [command, ...rest] = argv;
  if (command === undefined) throw new Error('runSync: no command');
  const done = spawnSync(command, rest, {
    encoding: 'utf8',
    input: options.input ?? '',
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  if (done.error !== undefined) throw new Error(`${argv.join(' ')}: ${done.error.message}`, { cause: done.error });
  return checked(argv, { stdout: done.stdout, stderr: done.stderr, status: done.status }, options);
}

/** As runSync, without blocking. */
export function run(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [command, ...rest] = argv;
  if (command === undefined) throw new Error('run: no command');
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      rest,
      {
        encoding: 'utf8',
        timeout: options.timeoutMs ?? 30_000,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
        ...(options.env === undefined ? {} : { env: options.env }),
      },
      (error, stdout, stderr) => {
        // A numeric code is the program's exit status; anything else (ENOENT, a timeout) is a failure to run it.
        if (error !== null && typeof error.code !== 'number') {
          const why = error.killed === true ? `killed after ${options.timeoutMs ?? 30_000} ms` : error.message;
          reject(new Error(`${argv.join(' ')}: ${why} ${stderr}`, { cause: error }));
          return;
        }
        try {
          const status = error === null ? 0 : Number(error.code);
          resolve(checked(argv, { stdout, stderr, status }, options));
        } catch (failure) {
          reject(failure);
        }
      },
    );
    child.stdin?.on('error', (error: NodeJS.ErrnoException) => {
      // A program that ends without reading its input is judged by its exit status.
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin?.end(options.input ?? '');
  });
}

function checked(argv: readonly string[], result: ExecResult, options: ExecOptions): ExecResult {
  if (result.status === null || (result.status !== 0 && options.allowFailure !== true)) {
    const output = `${result.stderr}${result.stdout}`.trim();
    throw new Error(`${argv.join(' ')} ended with ${result.status ?? 'a signal'}: ${output.slice(0, 4000)}`);
  }
  return result;
}

/** Starts a program inside a namespace and returns at once. */
export function spawnIn(namespace: string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const [command, ...rest] = inNamespace(namespace, argv);
  return spawn(command, rest, options);
}

/** Creates a namespace that must not exist yet. */
export function addNamespace(namespace: string): void {
  runSync(['ip', 'netns', 'add', namespace]);
}

/** Kills what still runs in a namespace (only our own tests put anything there) and removes it, if it exists. */
export function removeNamespace(namespace: string): void {
  if (!listNamespaces().includes(namespace)) return;
  const pids = runSync(['ip', 'netns', 'pids', namespace]).stdout.split('\n').filter(Boolean).map(Number);
  for (const pid of pids) kill(pid);
  runSync(['ip', 'netns', 'delete', namespace]);
}

/** Removes the namespaces of test processes that no longer exist, after a crash or a SIGKILL. */
export function removeStaleNamespaces(): void {
  for (const namespace of listNamespaces()) {
    const owner = new RegExp(`^${NAMESPACE_PREFIX}(\\d+)-`).exec(namespace)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) removeNamespace(namespace);
  }
}

/** The namespaces known to `ip netns`. */
export function listNamespaces(): string[] {
  try {
    return readdirSync(NAMESPACE_DIRECTORY);
  } catch (error) {
    // The directory appears with the first namespace.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** SIGKILL; a process that is already gone is what was wanted. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
