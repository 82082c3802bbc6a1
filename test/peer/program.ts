import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { inNamespace } from '../netns/namespaces.ts';

/** Milliseconds between SIGTERM and SIGKILL. */
const PATIENCE = 5_000;

/** A program that can be ended and started again, with a log file; it does not outlive this process. */
export class Program {
  /** What it printed since its last start. */
  readonly logFile: string;
  readonly #argv: readonly [string, ...string[]];
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #starts = 0;
  readonly #kill = () => {
    this.#child?.kill('SIGKILL');
  };

  /** Does not start it yet. `directory`: where it works and its log goes. `namespace`: of the network, this process's own without it. */
  constructor(
    argv: readonly [string, ...string[]],
    directory: string,
    namespace?: string,
    logName = basename(argv[0]),
  ) {
    this.#argv = namespace === undefined ? argv : inNamespace(namespace, argv);
    this.#directory = directory;
    this.logFile = join(directory, `${logName}.log`);
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves when it has ended, however that comes. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Everything it printed since its last start. */
  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** The end of what it printed, under its file's name. */
  get tail(): string {
    return `${this.logFile}:\n${this.log.split('\n').slice(-15).join('\n')}`;
  }

  start(): void {
    if (this.running) throw new Error(`${this.#argv.join(' ')} runs already`);
    const [command, ...args] = this.#argv;
    const output = openSync(this.logFile, 'w');
    const child = spawn(command, args, { cwd: this.#directory, stdio: ['ignore', output, output] });
    closeSync(output);
    this.#child = child;
    this.#starts += 1;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        writeFileSync(this.logFile, `${error}\n`);
        resolve();
      });
    });
    process.on('exit', this.#kill);
  }

  /** Ends it and waits for that; it may be gone already. SIGKILL follows any other signal after five seconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child?.kill(signal);
    const impatient = setTimeout(this.#kill, PATIENCE);
    await this.#ended;
    clearTimeout(impatient);
    process.off('exit', this.#kill);
  }
}
