import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requestDaemon } from '../../src/control/control-socket.ts';
import { eventually } from '../builders/eventually.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import type { World } from '../netns/world.ts';
import type { RawObject } from './manifests.ts';

const EXECUTABLE = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');

const DEFAULT_FLAGS = ['--cluster-cidr', `${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`];

/** What belongs to the host, and no test is to change. */
const NO_HOST_SETTINGS = ['--conntrack-max-per-core=0', '--oom-score-adj=0'];

/** The executable at work on a world's node, fed by manifests. */
export class Daemon {
  readonly directory = mkdtempSync(join(tmpdir(), 'kpn-daemon-'));
  readonly #world: World;
  readonly #source: readonly string[];
  #child: ChildProcess | undefined;
  #log = '';
  /** Gets what it logs as it comes. */
  onLog: (text: string) => void = () => undefined;

  /** `source`: the flags that name it; the manifests of `write` by default. It gets the cluster CIDR of both nodes. */
  constructor(world: World, source?: readonly string[]) {
    this.#world = world;
    this.#source = source ?? ['--manifests', this.directory];
  }

  /** Everything it has logged since the last start. */
  get log(): string {
    return this.#log;
  }

  /** Its process id, while it runs. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** False when it has ended, or was never started. */
  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Replaces the manifests in one step. */
  write(objects: readonly RawObject[]): void {
    const path = join(this.directory, 'objects.json');
    writeFileSync(`${path}.new`, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    renameSync(`${path}.new`, path);
  }

  /** Starts it and waits until all Services are programmed. */
  async start(flags: readonly string[] = DEFAULT_FLAGS, env: NodeJS.ProcessEnv = process.env): Promise<void> {
    this.launch(flags, env);
    await eventually(
      () => this.#log.includes('] ready: ') || !this.isRunning,
      () => this.#log,
    );
    if (!this.isRunning) throw new Error(`the daemon ended: ${this.#log}`);
  }

  /** Starts it, and does not wait. */
  launch(flags: readonly string[] = DEFAULT_FLAGS, env: NodeJS.ProcessEnv = process.env): void {
    this.#log = '';
    const argv = [EXECUTABLE, ...this.#source, ...this.#runDir, ...NO_HOST_SETTINGS, ...flags];
    const child = this.#world.spawn('node', argv, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env,
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
      this.onLog(text);
    });
  }

  /** Waits until its log matches. */
  async untilLog(pattern: RegExp): Promise<void> {
    await eventually(
      () => pattern.test(this.#log),
      () => this.#log,
    );
  }

  /** Ends it; returns its exit code, or null if the signal killed it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code;
  }

  /** What `dump` prints. */
  async dump(...flags: readonly string[]): Promise<string> {
    return (await this.#world.exec('node', [EXECUTABLE, '--dump', ...this.#runDir, ...flags])).stdout;
  }

  /** What `dump --all` prints: all that the kernel holds. */
  async wholeDump(output: 'nft' | 'json'): Promise<string> {
    const dump = await requestDaemon(join(this.directory, 'run'), `/dump?output=${output}&all`);
    if (dump === undefined) throw new Error('the daemon does not answer');
    return dump.toString();
  }

  /** Waits until the dump matches. */
  async untilDump(pattern: RegExp, matches = true): Promise<void> {
    let dump = '';
    for (let tries = 0; tries < 200; tries++) {
      dump = await this.dump();
      if (pattern.test(dump) === matches) return;
    }
    throw new Error(`the dump ${matches ? 'never matched' : 'always matched'} ${pattern}: ${dump.slice(0, 4000)}`);
  }

  /** Waits until the dump does not match any more. */
  untilNoDump(pattern: RegExp): Promise<void> {
    return this.untilDump(pattern, false);
  }

  /** Runs it with other arguments on the node, to its end. */
  run(...args: readonly string[]) {
    return this.#world.exec('node', [EXECUTABLE, ...args], { allowFailure: true });
  }

  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #runDir(): readonly string[] {
    return ['--run-dir', join(this.directory, 'run')];
  }
}
