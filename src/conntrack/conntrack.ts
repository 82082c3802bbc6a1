import { setTimeout as sleep } from 'node:timers/promises';
import { createLineSplitter } from '../host/line-splitter.ts';
import { ProcessError, runProcess } from '../host/process.ts';
import type { Log } from '../log.ts';

/** Why a conntrack command failed, as far as its caller can react to it. */
export type ConntrackFailure =
  /** There is no conntrack to run. */
  | 'missing'
  /** A flow ended before it could be deleted. Those after it were not deleted. */
  | 'interrupted'
  | 'failed';

/** A failed conntrack command. It has already been logged. */
export class ConntrackError extends Error {
  readonly failure: ConntrackFailure;

  constructor(failure: ConntrackFailure, message: string) {
    super(message);
    this.name = 'ConntrackError';
    this.failure = failure;
  }
}

/**
 * Seconds. conntrack 1.4.7 takes eight on two idle cores to list a million flows, and four for one deletion among them. On a
 * busy node, its low priority makes that several times as long.
 */
const TIME_LIMIT = 300;
/** Milliseconds of work without a pause: enough for a change of a few endpoints among 100,000 flows. */
const BURST = 5000;
/** Bounds the memory for warnings already given. Beyond it, some may be repeated. */
const MAX_REMEMBERED_WARNINGS = 100;

/** conntrack's error if a flow that it has found is gone before it can delete it. */
const GONE = "such conntrack doesn't exist";

const MISSING =
  'conntrack is missing: UDP clients of removed endpoints and Services keep sending to them until their flows time out; ' +
  'install the package conntrack (Debian, Ubuntu) or conntrack-tools';

export interface ConntrackOptions {
  /** The executable (a name looked up in PATH and the sbin folders, or a path) and its first arguments. */
  readonly command?: readonly string[];
  /** Seconds until a command is killed. Default 300. */
  readonly timeLimit?: number;
  /** Milliseconds that successive commands may take without a pause. Default 5,000. */
  readonly burst?: number;
}

/**
 * Runs the program conntrack, one command at a time, at low priority. The commands of a single change run without a pause.
 * Beyond that, each command is followed by a pause of the same length, so it uses at most half a core, however large the
 * table is. One instance serves all families. Each problem is logged once.
 */
export class Conntrack {
  readonly #command: readonly string[];
  readonly #timeLimit: number;
  readonly #burst: number;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #warned = new Set<string>();
  #isMissing = false;
  /** Settles when the next command may start. */
  #turn: Promise<unknown> = Promise.resolve();
  /** When enough time has passed to make up for all commands so far. */
  #rested = 0;

  constructor(log: Log, options: ConntrackOptions = {}) {
    const { command = ['conntrack'], timeLimit = TIME_LIMIT, burst = BURST } = options;
    this.#log = log;
    this.#command = command;
    this.#timeLimit = timeLimit;
    this.#burst = burst;
  }

  /**
   * Runs conntrack when its turn comes. Resolves when it ends. `onLine` receives the lines of stdout, which are not kept. A
   * deletion that finds nothing is not a failure.
   * @throws ConntrackError
   */
  run(args: readonly string[], onLine: (line: string) => void): Promise<void> {
    let begun = 0;
    const run = this.#turn.then(() => {
      begun = performance.now();
      return this.#attempt(args, onLine);
    });
    this.#turn = run.catch(() => undefined).then(() => this.#rest(begun));
    return run;
  }

  /** Kills the running command. Waiting ones fail. This is permanent. */
  stop(): void {
    this.#stop.abort();
  }

  /** Logs a warning unless it was given before. */
  warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    if (this.#warned.size >= MAX_REMEMBERED_WARNINGS) this.#warned.clear();
    this.#warned.add(message);
    this.#log.warn(message);
  }

  async #attempt(args: readonly string[], onLine: (line: string) => void): Promise<void> {
    try {
      await this.#execute(args, onLine);
    } catch (cause) {
      const error = toConntrackError(cause);
      if (error.failure === 'missing') this.#isMissing = true;
      if (error.failure !== 'interrupted' && !this.#stop.signal.aborted) this.warnOnce(error.message);
      throw error;
    }
    if (this.#isMissing) this.#log.info('conntrack is available now: deleting stale UDP flows');
    this.#isMissing = false;
  }

  async #rest(begun: number): Promise<void> {
    const now = performance.now();
    const owed = Math.max(0, this.#rested - begun) + now - begun;
    this.#rested = now + owed;
    await sleep(Math.max(0, owed - this.#burst), undefined, { signal: this.#stop.signal, ref: false }).catch(
      () => undefined,
    );
  }

  async #execute(args: readonly string[], onLine: (line: string) => void): Promise<void> {
    let problem: string | undefined;
    const split = createLineSplitter(onLine, () => {
      problem = 'printed an endless line';
    });
    const { code, signal, stderr } = await runProcess([...this.#command, ...args], {
      timeLimit: this.#timeLimit,
      onOutput: (piece) => {
        split(piece.toString('latin1'));
        return problem;
      },
      signal: this.#stop.signal,
      lowPriority: true,
    });
    if (code === 0 || /\b0 flow entries have been deleted/.test(stderr)) return;
    if (stderr.includes(GONE)) throw new ConntrackError('interrupted', 'a flow ended while it was deleted');
    const complaint = complaintOf(stderr) || (signal ?? `exit code ${code}`);
    throw new ConntrackError('failed', `conntrack failed: ${complaint}`);
  }
}

function toConntrackError(cause: unknown): ConntrackError {
  if (cause instanceof ConntrackError) return cause;
  if (!(cause instanceof ProcessError)) throw cause;
  return cause.failure === 'missing'
    ? new ConntrackError('missing', MISSING)
    : new ConntrackError('failed', `conntrack ${cause.message}`);
}

/** The last line, without the version at its beginning ("conntrack v1.4.7 (conntrack-tools): "). */
function complaintOf(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return line.replace(/^conntrack v\S+ \(conntrack-tools\): /, '').trim();
}
