import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnIn } from '../../test/netns/namespaces.ts';
import { NODE_NAME, POD_CIDR } from './synthetic-cluster.ts';

/** Milliseconds. */
const READY_LIMIT = 180_000;

/** Characters. */
const MAX_LOG = 100_000;

/** What `npm run build` makes. */
export const EXECUTABLE = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');

/** Starts the executable in a network namespace. `source`: the flags that name it; `directory`: for a run directory. */
export function startExecutable(namespace: string, source: readonly string[], directory: string): RunningProxy {
  const runDirectory = mkdtempSync(join(directory, 'run-'));
  const flags = [
    ...['--hostname-override', NODE_NAME, '--cluster-cidr', POD_CIDR],
    ...['--healthz-bind-address', '', '--metrics-bind-address', ''],
    ...['--run-dir', runDirectory],
  ];
  return new RunningProxy(namespace, [EXECUTABLE, ...source, ...flags], runDirectory);
}

/** A proxy at work in a network namespace, as a child process. Dispose of it when done; its rules stay. */
export class RunningProxy {
  readonly runDirectory: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  /** The beginning of what it said. */
  #log = '';
  #heard: (() => void) | undefined;

  /** `runDirectory`: empty for another proxy than ours. */
  constructor(namespace: string, argv: readonly string[], runDirectory = '') {
    this.runDirectory = runDirectory;
    this.#child = spawnIn(namespace, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#log.length < MAX_LOG) this.#log += text;
      this.#heard?.();
    });
    this.#ended = new Promise((_, reject) => {
      this.#child.on('error', reject);
      this.#child.on('exit', () => reject(new Error(`${argv[0]} ended: ${this.#log}`)));
    });
    // Heard by who is waiting, if any; else the end is intended.
    this.#ended.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with what `work` does, or rejects if the process ends before that. */
  during<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#ended]);
  }

  /** Of our executable: resolves when it has said that all Services are programmed. Throws with its log if it does not. */
  async ready(): Promise<void> {
    const late = sleep(READY_LIMIT, undefined, { ref: false }).then(() => {
      throw new Error(`the proxy is not ready after ${READY_LIMIT / 1000} s: ${this.#log}`);
    });
    // It may come when nobody waits any more.
    late.catch(() => undefined);
    while (!this.#log.includes('] ready: ')) {
      const heard = new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      await Promise.race([heard, this.#ended, late]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
