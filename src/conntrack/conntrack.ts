import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { createLineSplitter } from './line-splitter.ts';

/** Why a conntrack command failed, as far as its caller can act on it. */
export type ConntrackFailure =
  /** There is no conntrack to run. */
  | 'missing'
  /** A flow ended before its turn: those after it were not deleted. */
  | 'interrupted'
  | 'failed';

/** A failed conntrack command. Whoever gets one need not log it: that is done. */
export class ConntrackError extends Error {
  readonly failure: ConntrackFailure;

  constructor(failure: ConntrackFailure, message: string) {
    super(message);
    this.name = 'ConntrackError';
    this.failure = failure;
  }
}

/**
 * Seconds. Listing a million flows takes conntrack 1.4.7 eight on two idle cores, one delete among them four; on a busy
 * node its low priority makes that many times as long.
 */
const TIME_LIMIT = 300;
/** stderr beyond this is dropped. */
const MAX_STDERR = 4096;
/** Bounds the memory for warnings given already; past it some are given again. */
const MAX_REMEMBERED_WARNINGS = 100;

/** What a delete ends with if a flow it has found is gone when its turn comes. */
const GONE = "such conntrack doesn't exist";

const MISSING =
  'conntrack is missing: UDP clients of endpoints that go away keep sending to them until their flows time out; ' +
  'install the package conntrack (Debian, Ubuntu) or conntrack-tools';

export interface ConntrackOptions {
  /** The executable, a name looked up in PATH and the sbin folders or a path, and first arguments. */
  readonly command?: readonly string[];
  /** Seconds until a command is killed. Default 300. */
  readonly timeLimit?: number;
}

/**
 * The program conntrack, of which one at a time runs, at low priority, and then none for as long as the last one ran: at
 * most half a core, however large the table. One instance serves all families. What goes wrong is logged once.
 */
export class Conntrack {
  readonly #command: readonly string[];
  readonly #timeLimit: number;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #warned = new Set<string>();
  #isMissing = false;
  /** Settles when the next command may start. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(log: Log, { command = ['conntrack'], timeLimit = TIME_LIMIT }: ConntrackOptions = {}) {
    this.#log = log;
    this.#command = command;
    this.#timeLimit = timeLimit;
  }

  /**
   * Runs conntrack when its turn comes; resolves at its end. `onLine` gets the lines of stdout, without keeping them.
   * That a delete finds nothing is no failure.
   * @throws ConntrackError
   */
  run(args: readonly string[], onLine: (line: string) => void): Promise<void> {
    let begun = 0;
    const run = this.#turn.then(() => {
      begun = performance.now();
      return this.#attempt(args, onLine);
    });
    this.#turn = run.catch(() => undefined).then(() => this.#rest(performance.now() - begun));
    return run;
  }

  /** Kills the command that runs; those that wait fail. For good. */
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
      await this.#spawn(args, onLine);
    } catch (cause) {
      const error =
        cause instanceof ConntrackError
          ? cause
          : new ConntrackError('failed', `conntrack cannot be run: ${messageOf(cause)}`);
      if (error.failure === 'missing') this.#isMissing = true;
      if (error.failure !== 'interrupted' && !this.#stop.signal.aborted) this.warnOnce(error.message);
      throw error;
    }
    if (this.#isMissing) this.#log.info('conntrack is there now: stale UDP flows are deleted');
    this.#isMissing = false;
  }

  async #rest(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
  }

  #spawn(args: readonly string[], onLine: (line: string) => void): Promise<void> {
    const [executable = 'conntrack', ...first] = this.#command;
    return new Promise((resolve, reject) => {
      const fail = (failure: ConntrackFailure, message: string) => reject(new ConntrackError(failure, message));
      if (this.#stop.signal.aborted) return fail('failed', 'conntrack was stopped');
      const child = spawn(executable, [...first, ...args], {
        env: environment(),
        stdio: ['ignore', 'pipe', 'pipe'],
        signal: this.#stop.signal,
        killSignal: 'SIGKILL',
      });
      if (child.pid !== undefined) lowerPriority(child.pid);
      let stderr = '';
      let problem: string | undefined;
      const kill = (why: string) => {
        problem ??= why;
        child.kill('SIGKILL');
      };
      const limit = this.#timeLimit;
      const timer = setTimeout(() => kill(`conntrack took more than ${limit} s and was killed`), limit * 1000);
      const split = createLineSplitter(onLine, () => kill('conntrack printed a line without end and was killed'));
      child.stdout.setEncoding('latin1').on('data', split);
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(0, MAX_STDERR);
      });
      child.on('error', (error) => {
        // A kill that fails, or stop(), comes here too: then the end of the process follows.
        if (child.pid !== undefined) return;
        clearTimeout(timer);
        if (errnoOf(error) === 'ENOENT') fail('missing', MISSING);
        else fail('failed', `${executable} cannot be run: ${error.message}`);
      });
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        if (problem !== undefined) fail('failed', problem);
        else if (code === 0 || /\b0 flow entries have been deleted/.test(stderr)) resolve();
        else if (stderr.includes(GONE)) fail('interrupted', 'a flow ended while it was deleted');
        else fail('failed', `conntrack failed: ${complaintOf(stderr) || (signal ?? `exit code ${code}`)}`);
      });
    });
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may forbid it: conntrack does its work all the same.
  }
}

/** conntrack lives in sbin, which a daemon's PATH may lack; what it says is matched in English. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`, LC_ALL: 'C' };
}

/** The last line, without the version it begins with ("conntrack v1.4.7 (conntrack-tools): "). */
function complaintOf(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return line.replace(/^conntrack v\S+ \(conntrack-tools\): /, '').trim();
}
