import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errnoOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

const run = promisify(execFile);

/** Seconds. systemd-notify takes milliseconds, and up to 5 s if systemd does not read what it sends. */
const TIME_LIMIT = 10;

/** Seconds until a failed message is sent again. */
const RETRY = 10;

/** Seconds by which a start is extended while no process can be started. */
const EXTENSION = 600;

/** The watchdog is fed this many times in its period, so that one late or lost message does no harm. */
const PARTS = 3;

export interface ServiceManagerOptions {
  /** Has NOTIFY_SOCKET if there is a service manager, and WATCHDOG_USEC if it has a watchdog. See sd_notify(3). */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  /** Seconds; for tests. Default 10. */
  readonly retry?: number;
}

/**
 * Notifies systemd of the state of this service, and feeds its watchdog. Each message requires a process, systemd-notify,
 * because it is a datagram to a Unix socket, which Node.js cannot send. If no process can be started, systemd should not end
 * the service. So one spare process exists from the start. It suspends the watchdog and extends a start, until messages get
 * through again.
 */
export class ServiceManager {
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: Log;
  readonly #retry: number;
  /** Microseconds; 0 if there is no watchdog. */
  readonly #watchdog: number;
  #reserve: ChildProcess | undefined;
  /** True if messages do not get through, and a warning was logged. */
  #isMute = false;
  /** True if the watchdog is suspended. */
  #rests = false;
  #isMissing = false;

  /** Undefined if no service manager expects notifications. */
  static of(options: ServiceManagerOptions): ServiceManager | undefined {
    return (options.env['NOTIFY_SOCKET'] ?? '') === '' ? undefined : new ServiceManager(options);
  }

  private constructor({ env, log, retry = RETRY }: ServiceManagerOptions) {
    this.#env = env;
    this.#log = log;
    this.#retry = retry;
    this.#watchdog = Number(env['WATCHDOG_USEC'] ?? 0) || 0;
  }

  /** Sends assignments ("READY=1") until it succeeds. Resolves to false if there is no systemd-notify. */
  async tell(...assignments: readonly string[]): Promise<boolean> {
    while (!(await this.try(...assignments))) {
      if (this.#isMissing) return false;
      await this.#pause(this.#retry);
    }
    return true;
  }

  /** Sends assignments once; false if they do not get through. */
  async try(...assignments: readonly string[]): Promise<boolean> {
    // Not before a service is ready, because systemd would then expect to be fed at once.
    const isWatched = assignments.includes('READY=1') || assignments.includes('WATCHDOG=1');
    const rests = this.#rests && !isWatched;
    try {
      const args = [...assignments, ...(this.#rests && isWatched ? [`WATCHDOG_USEC=${this.#watchdog}`] : [])];
      await run('systemd-notify', args, { env: this.#env, timeout: TIME_LIMIT * 1000, killSignal: 'SIGKILL' });
    } catch (error) {
      this.#fail(assignments, error);
      return false;
    }
    if (this.#isMute) this.#log.info('systemd can be notified again');
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

  /** Starts the spare process, unless it already runs. */
  keepReserve(): void {
    if (this.#reserve !== undefined) return;
    const message = [`EXTEND_TIMEOUT_USEC=${EXTENSION * 1e6}`, ...(this.#watchdog > 0 ? ['WATCHDOG_USEC=0'] : [])];
    // It becomes systemd-notify when it reads a line. It ends with us, because its stdin does.
    const args = ['-c', 'read -r line && exec systemd-notify "$@"', 'sh', ...message];
    try {
      const child = spawn('/bin/sh', args, { env: this.#env, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
      const forget = () => {
        if (this.#reserve === child) this.#reserve = undefined;
      };
      // Not started, killed, or done: the next message that gets through starts another one.
      child.once('error', forget).once('exit', forget);
      child.stdin?.on('error', forget);
      child.unref();
      if (child.stdin instanceof Socket) child.stdin.unref();
      this.#reserve = child;
    } catch (error) {
      this.#log.detail(1, `no spare process is available for when none can be started: ${messageOf(error)}`);
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
      ? 'Without this, systemd ends a service of Type=notify after TimeoutStartSec=, and any service after WatchdogSec=: install its ' +
        'program systemd-notify, or use Type=exec and WatchdogSec=0'
      : `It will be retried; meanwhile the watchdog is suspended, and a start has ${EXTENSION} s more`;
    this.#log.warn(`systemd could not be notified (${assignments.join(' ')}): ${messageOf(error).trim()}. ${advice}`);
  }

  #pause(seconds: number): Promise<void> {
    return sleep(seconds * 1000, undefined, { ref: false });
  }
}
