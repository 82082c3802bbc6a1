import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TRACE_EXIT } from '../../src/cli/trace/exit-code.ts';
import { writeSmallCluster } from '../../test/cli/small-node.ts';
import { createWorld, type World } from '../../test/netns/world.ts';

const EXECUTABLE = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');
const MANIFESTS = 'manifests';
const FLAGS = [
  '--manifests',
  MANIFESTS,
  '--cluster-cidr',
  '10.32.0.0/16,fd00:32::/64',
  '--hostname-override',
  'node-1',
];

/** A command line that a user would type on the node; its words are not quoted. */
export interface CommandLine {
  readonly text: string;
  /** What it ends with; else it failed. */
  readonly exitCode: number;
}

/** What the demo ends with, and the recording shows. */
export const LAST_COMMANDS: readonly CommandLine[] = [
  { text: 'kube-proxy-nft status', exitCode: 0 },
  { text: 'kube-proxy-nft get services', exitCode: 0 },
  // It says so if a connection would not be served.
  { text: 'kube-proxy-nft trace default/shop --from outside', exitCode: TRACE_EXIT.dropped },
];

/** What the name of a demo's folder begins with, by the process that made it. */
export const demoFolder = (pid: number) => `kube-proxy-nft-demo-${pid}`;

/**
 * The node of the demo: a daemon in a network namespace, with the small cluster of the README's samples. Namespaces and
 * files are gone after `remove()`, and after a signal that ends this process. Making one takes root.
 */
export class DemoNode {
  readonly world: World;
  /** The folder of files; only root may look into it. */
  readonly folder = mkdtempSync(join(tmpdir(), `${demoFolder(process.pid)}-`));
  readonly manifests = join(this.folder, MANIFESTS);
  /** How a user would start the daemon. */
  readonly startCommand = ['kube-proxy-nft', ...FLAGS].join(' ');
  readonly #runDir = join(this.folder, 'run');
  #daemon: ChildProcess | undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        this.remove();
        process.stdout.write(`\nEnded by ${signal}; all namespaces are removed.\n`);
        // Nobody is left who takes it: it ends the process.
        process.kill(process.pid, signal);
      });
    }
    try {
      writeSmallCluster(this.manifests);
      this.world = createWorld();
    } catch (error) {
      this.#removeFiles();
      throw error;
    }
  }

  /** Starts the daemon, and returns after how many milliseconds it was ready. Throws with its log if it is not. */
  async start(): Promise<number> {
    const begun = performance.now();
    const argv = [EXECUTABLE, ...FLAGS, '--run-dir', this.#runDir];
    const daemon = this.world.spawn('node', argv, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#daemon = daemon;
    let log = '';
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    while (!log.includes('] ready: ')) {
      if (daemon.exitCode !== null || performance.now() - begun > 30_000) throw new Error(`it did not start: ${log}`);
      await sleep(5);
    }
    return Math.round(performance.now() - begun);
  }

  /** Ends the daemon as systemd would, by SIGTERM. */
  async stop(): Promise<void> {
    if (this.#daemon === undefined) return;
    const exited = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await exited;
    this.#daemon = undefined;
  }

  /** What a command prints. Throws if it ends with another code. */
  async print({ text, exitCode }: CommandLine): Promise<string> {
    const [, ...words] = text.split(' ');
    // A daemon of this machine itself may have the usual folder.
    const argv = [EXECUTABLE, ...words, '--run-dir', this.#runDir];
    const { stdout, stderr, status } = await this.world.exec('node', argv, { allowFailure: true });
    if (status !== exitCode) throw new Error(`${text} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Safe to call twice. */
  remove(): void {
    try {
      this.world?.remove();
    } finally {
      this.#removeFiles();
    }
  }

  #removeFiles(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
