import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { withNamespace } from '../builders/network-namespace.ts';

/** The program, from source. */
export const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** How a run of the program ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that goes on. */
export interface Followed {
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Reads nothing more of what it prints. */
  closeReader(): void;
  /** Waits for its end, by a signal where one is given; gives the exit code, or the signal that ended it. */
  end(signal?: NodeJS.Signals): Promise<number | string | null>;
}

export interface RunOptions {
  /** Runs the program: an argument vector that comes before it. */
  readonly wrapper?: readonly string[];
  /** PATH, instead of this process's own. */
  readonly path?: string;
}

/** A place to run the program from source: a network namespace and a folder, both gone with the test. */
export class Place {
  readonly folder: string;
  readonly #command: readonly string[];
  readonly #context: TestContext;

  constructor(context: TestContext) {
    this.#context = context;
    this.#command = withNamespace(context).command;
    this.folder = mkdtempSync(join(tmpdir(), 'kpn-cli-'));
    context.after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Changes the kernel's tables, or lists them, as anybody with the right to may: "flush ruleset". Returns what nft prints. */
  nft(command: string): string {
    return this.command(['nft', ...command.split(' ')]);
  }

  /** A PATH where nft is this shell script; the real one is /usr/sbin/nft. */
  pathWithNft(script: string): string {
    mkdirSync(this.file('bin'));
    writeFileSync(this.file('bin/nft'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return `${this.file('bin')}:/usr/bin:/bin`;
  }

  /** Runs any other program in the namespace to its end; returns what it prints. */
  command(argv: readonly string[]): string {
    const [file = '', ...args] = [...this.#command, ...argv];
    return execFileSync(file, args, { encoding: 'utf8' });
  }

  spawn(argv: readonly string[]): ChildProcess {
    const [file = '', ...args] = [...this.#command, ...argv];
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#context.after(() => child.kill('SIGKILL'));
    return child;
  }

  /** Starts any other program in the namespace, with pipes to and from it. */
  withPipes(argv: readonly string[]): ChildProcess {
    const [file = '', ...args] = [...this.#command, ...argv];
    return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** Runs the program to its end, with a run directory of this place. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { child, output } = this.#start(args, options);
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return { exitCode, ...output };
  }

  /** Runs what goes on until it is ended, with what it has printed so far. */
  follow(args: readonly string[], options: RunOptions = {}): Followed {
    const { child, output } = this.#start(args, options);
    const closed = once(child, 'close');
    return {
      output,
      closeReader: () => child.stdout?.destroy(),
      async end(signal) {
        if (signal !== undefined) child.kill(signal);
        const [exitCode, by] = (await closed) as [number | null, string | null];
        return by ?? exitCode;
      },
    };
  }

  /** Starts the daemon and waits until its rules are in force. */
  async startDaemon(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<{ readonly pid: number; stop(): Promise<Ended> }> {
    const { child, output } = this.#start(args, options);
    const closed = once(child, 'close');
    await eventually(
      () => output.stderr.includes('ready: ') || child.exitCode !== null,
      () => output.stderr,
    );
    if (child.exitCode !== null) throw new Error(`the daemon ended: ${output.stderr}`);
    return {
      pid: child.pid ?? 0,
      async stop() {
        child.kill('SIGTERM');
        const [exitCode] = (await closed) as [number | null];
        return { exitCode, ...output };
      },
    };
  }

  /** Runs the program on a terminal of its own, and answers one prompt. Returns what the terminal has shown. */
  async onTerminal(args: readonly string[], prompt: string, answer: string): Promise<string> {
    const program = [process.execPath, MAIN, '--run-dir', this.file('run'), ...args];
    const argv = [...this.#command, 'script', '-qec', program.join(' '), '/dev/null'];
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#context.after(() => child.kill('SIGKILL'));
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!shown.includes(prompt) && (shown + text).includes(prompt)) child.stdin.write(`${answer}\n`);
      shown += text;
    });
    await once(child, 'close');
    return shown;
  }

  #start(args: readonly string[], { wrapper = [], path = process.env['PATH'] ?? '' }: RunOptions) {
    const program = [process.execPath, MAIN, '--run-dir', this.file('run'), ...args];
    // PATH is set inside of what sets the program up, which has tools of its own to find.
    const argv = [...this.#command, ...wrapper, '/usr/bin/env', `PATH=${path}`, ...program];
    // Nothing of the environment the tests run in may name a source.
    const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#context.after(() => child.kill('SIGKILL'));
    const output = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    return { child, output };
  }
}
