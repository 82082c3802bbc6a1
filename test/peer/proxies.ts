import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { THIS_NODE } from '../scenarios/runner/cast.ts';
import { Program } from './program.ts';

/** What `npm run build` makes. */
export const EXECUTABLE = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');

/** Node-wide settings that belong to the machine, and no test is to change. */
const NO_HOST_SETTINGS = [
  '--conntrack-max-per-core=0',
  '--conntrack-min=0',
  '--conntrack-tcp-timeout-established=0s',
  '--conntrack-tcp-timeout-close-wait=0s',
  '--oom-score-adj=0',
];

/** Milliseconds until one that ended by itself is started again. */
const RESTART_DELAY = 100;

/** A proxy on its node: what runs it again when it ends, as a kubelet does. */
export class ProxyOnNode {
  readonly name: string;
  readonly #argv: readonly [string, ...string[]];
  readonly #namespace: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-peer-'));
  #program: Program | undefined;
  #flags: readonly string[] = [];
  #isWanted = false;
  #starts = 0;
  #restarts = 0;
  #keeping: Promise<void> = Promise.resolve();
  /** The ends of its logs, of earlier runs. */
  #past: string[] = [];

  constructor(name: string, argv: readonly [string, ...string[]], namespace: string) {
    this.name = name;
    this.#argv = argv;
    this.#namespace = namespace;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** How often it was started because it had ended by itself. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The end of its log, and of those before. */
  get log(): string {
    return [...this.#past.slice(-2), this.#program?.log ?? '']
      .map((log) => log.slice(-20_000))
      .join('\n-- restarted --\n');
  }

  /** Starts it; with other flags than before if they are given. */
  start(flags: readonly string[] = this.#flags): void {
    this.#flags = flags;
    this.#isWanted = true;
    this.#begin();
  }

  /** Ends it; its rules stay. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#isWanted = false;
    await this.#program?.stop(signal);
    await this.#keeping;
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #begin(): void {
    if (this.#program !== undefined) this.#past = [...this.#past.slice(-1), this.#program.log];
    const argv: [string, ...string[]] = [this.#argv[0], ...this.#argv.slice(1), ...this.#flags];
    const program = new Program(argv, this.#directory, this.#namespace);
    this.#program = program;
    program.start();
    this.#starts += 1;
    this.#keeping = program.ended.then(async () => {
      if (!this.#isWanted) return;
      await program.stop();
      await delay(RESTART_DELAY);
      if (!this.#isWanted) return;
      this.#restarts += 1;
      this.#begin();
    });
  }
}

/** Milliseconds kube-proxy waits between two writes: by default a second, which tells nothing about what it writes. */
const MIN_SYNC_PERIOD = 100;

export function kubeProxy(executable: string, namespace: string, kubeconfig: string): ProxyOnNode {
  const flags = [
    ...['--proxy-mode=nftables', `--kubeconfig=${kubeconfig}`, `--hostname-override=${THIS_NODE}`],
    // The flag's name is history: it counts in nftables mode, too.
    `--iptables-min-sync-period=${MIN_SYNC_PERIOD}ms`,
    ...NO_HOST_SETTINGS,
  ];
  return new ProxyOnNode('kube-proxy', [executable, ...flags], namespace);
}

export function ours(executable: string, namespace: string, kubeconfig: string, runDirectory: string): ProxyOnNode {
  const flags = [`--kubeconfig=${kubeconfig}`, `--hostname-override=${THIS_NODE}`, `--run-dir=${runDirectory}`];
  return new ProxyOnNode('ours', [executable, ...flags, ...NO_HOST_SETTINGS], namespace);
}
