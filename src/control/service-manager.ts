import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errnoOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

const run = promisify(execFile);

/** Seconds. systemd-notify takes milliseconds, and up to 5 s if systemd does not read what it sends. */
const TIME_LIMIT = 10;

/** Seconds until a message that could not be sent is tried again. */
const RETRY = 10;

/** Seconds that a start gets anew while no process can be started. */
const EXTENSION = 600;

/** Parts of the watchdog's time after which it is fed: one that is late or lost does no harm. */
const PARTS = 3;

export interface ServiceManagerOptions {
  /** Has NOTIFY_SOCKET where there is a service manager, and WATCHDOG_USEC where that has a watchdog. See sd_notify(3). */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  /** Seconds; for tests. Default 10. */
  readonly retry?: number;
}

/**
 * Tells systemd how this service is, and feeds its watchdog. Each message takes a process, systemd-notify: it is a datagram
 * to a Unix socket, which Node.js cannot send. Where none can be started, that is no reason to be ended. So one process is
 * at hand from the start, which needs to start no other: it has the watchdog rest, and a start take its time, until messages
 * come through again.
 */
export class ServiceManager {
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: Log;
  readonly #retry: number;
  /** Microseconds; 0: there is no watchdog. */
  readonly #watchdog: number;
  #reserve: ChildProcess | undefined;
  /** Messages do not come through, which was said. */
  #isMute = false;
  /** The watchdog was told to rest. */
  #rests = false;
  #isMissing = false;

  /** Undefined where no service manager wants to hear of us. */
  static of(options: ServiceManagerOptions): ServiceManager | undefined {
    return (options.env['NOTIFY_SOCKET'] ?? '') === '' ? undefined : new ServiceManager(options);
  }

  private constructor({ env, log, retry = RETRY }: ServiceManagerOptions) {
    this.#env = env;
    this.#log = log;
    this.#retry = retry;
    this.#watchdog = Number(env['WATCHDOG_USEC'] ?? 0) || 0;
  }

  /** Sends assignments ("READY=1"), for as often as it takes. Resolves to false if there is no systemd-notify. */
  async tell(...assignments: readonly string[]): Promise<boolean> {
    while (!(await this.try(...assignments))) {
      if (this.#isMissing) return false;
      await this.#pause(this.#retry);
    }
    return true;
  }

  /** Sends assignments once; false if they do not come through. */
  async try(...assignments: readonly string[]): Promise<boolean> {
    // Not before a service is ready: systemd would wait to be fed at once.
    const isWatched = assignments.includes('READY=1') || assignments.includes('WATCHDOG=1');
    const rests = this.#rests && !isWatched;
    try {
      const args = [...assignments, ...(this.#rests && isWatched ? [`WATCHDOG_USEC=${this.#watchdog}`] : [])];
      await run('systemd-notify', args, { env: this.#env, timeout: TIME_LIMIT * 1000, killSignal: 'SIGKILL' });
    } catch (error) {
      this.#fail(assignments, error);
      return false;
    }
    if (this.#isMute) this.#log.info('systemd can be told again how we are');
    this.#isMute = false;
    this.#rests = rests;
    this.#isMissing = false;
    this.keepReserve();
    return true;
  }

  /** Feeds the watchdog from now on, if there is one. Never rejects, and need not be awaited. */
  async feed(): Promise<void> {
    while (this.#watchdog > 0) {
      const third = this.#watchdog / 1e6 / PARTS;
      await this.#pause(this.#isMute ? Math.min(third, this.#retry) : third);
      await this.try('WATCHDOG=1');
    }
  }

  /** Starts the process for when none can be started, unless it is there. */
  keepReserve(): void {
    if (this.#reserve !== undefined) return;
    const message = [`EXTEND_TIMEOUT_USEC=${EXTENSION * 1e6}`, ...(this.#watchdog > 0 ? ['WATCHDOG_USEC=0'] : [])];
    // It becomes systemd-notify when it gets a line, and ends with us: its stdin does.
    const args = ['-c', 'read -r line && exec systemd-notify "$@"', 'sh', ...message];
    try {
      const child = spawn('/bin/sh', args, { env: this.#env, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
      const forget = () => {
        if (this.#reserve === child) this.#reserve = undefined;
      };
      // Not started, killed by somebody, or done: the next message that comes through starts another.
      child.once('error', forget).once('exit', forget);
      child.stdin?.on('error', forget);
      child.unref();
      if (child.stdin instanceof Socket) child.stdin.unref();
      this.#reserve = child;
    } catch (error) {
      this.#log.detail(1, `no process is kept for when none can be started: ${messageOf(error)}`);
    }
  }

  #fail(assignments: readonly string[], error: unknown): void {
    this.#isMissing = errnoOf(error) === 'ENOENT';
    if (this.#isMute) return;
    this.#isMute = true;
    const reserve = this.#reserve;
    this.#reserve = undefined;
    this.#rests = this.#watchdog > 0;
    reserve?.stdin?.end('now\n');
    const advice = this.#isMissing
      ? 'Without that it ends a service of Type=notify after TimeoutStartSec=, and any after WatchdogSec=: install its ' +
        'program systemd-notify, or use Type=exec and WatchdogSec=0'
      : `This is tried again; meanwhile the watchdog rests, and a start has ${EXTENSION} s more`;
    this.#log.warn(`systemd was not told how we are (${assignments.join(' ')}): ${messageOf(error).trim()}. ${advice}`);
  }

  #pause(seconds: number): Promise<void> {
    return sleep(seconds * 1000, undefined, { ref: false });
  }
}
