import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExecOptions, type ExecResult, run } from '../netns/namespaces.ts';
import type { World } from '../netns/world.ts';

/** Made by scripts/test-systemd.sh, which has the same defaults. */
const FOLDER = process.env['KPN_SYSTEMD_ROOT'] ?? '/var/cache/kube-proxy-nft-tests/systemd';
const SUITE = process.env['KPN_SYSTEMD_SUITE'] ?? 'bookworm';

/** Milliseconds. Booting takes a few seconds on a busy machine; a command waits for the service, up to 90 s. */
const BOOT_LIMIT = 120_000;
const COMMAND_LIMIT = 300_000;

/** A login's environment. */
const ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
];

/**
 * A throw-away Debian with systemd as its first process, in a container whose network is a world's node. Its disk lives
 * as long as this object; changes to it stay over a reboot.
 */
export class Machine {
  /** Of this machine, seen inside as /srv/shared. */
  readonly shared: string;
  readonly #world: World;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kpn-machine-'));
  #container: ChildProcess | undefined;
  #leader = 0;
  #console = '';

  constructor(world: World) {
    this.#world = world;
    for (const name of ['upper', 'work', 'root', 'shared']) mkdirSync(join(this.#folder, name));
    this.shared = join(this.#folder, 'shared');
  }

  /** Boots, and waits until everything that starts at boot has. */
  async boot(): Promise<void> {
    this.#console = '';
    const disk = `lowerdir=${join(FOLDER, SUITE)},upperdir=${this.#folder}/upper,workdir=${this.#folder}/work`;
    const root = join(this.#folder, 'root');
    const { command, libraries } = nspawn();
    // The mount is the container's alone, and ends with it.
    const script = `mount -t overlay overlay -o "$1" "$2" && shift 2 && exec "$@"`;
    const container = [
      ...[command, `--directory=${root}`, '--boot', '--register=no', '--keep-unit', '--console=pipe'],
      ...[`--network-namespace-path=/run/netns/${this.#world.namespace('node')}`, '--capability=CAP_NET_ADMIN'],
      ...[`--bind=${this.shared}:/srv/shared`, '--machine=kpn-machine', '--resolv-conf=off', '--timezone=off'],
    ];
    const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', disk, root, ...container], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(libraries !== '' && { LD_LIBRARY_PATH: libraries }) },
    });
    this.#container = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#console = (this.#console + text).slice(-20_000);
      });
    }
    const end = performance.now() + BOOT_LIMIT;
    while (!(await this.#isUp())) {
      if (child.exitCode !== null || performance.now() > end) throw new Error(`it does not boot: ${this.#console}`);
      await sleep(100);
    }
  }

  /** Runs a program as root, to its end. Throws when it fails. */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const inside = ['nsenter', '--target', `${this.#leader}`, '--all', 'env', '--chdir=/', '--ignore-environment'];
    return run([...inside, ...ENVIRONMENT, ...argv], { timeoutMs: COMMAND_LIMIT, ...options });
  }

  /** Runs a shell script as root; returns stdout and stderr in order, without the last line end. Throws when it fails. */
  async shell(script: string): Promise<string> {
    return (await this.exec(['sh', '-e'], { input: `exec 2>&1\n${script}\n` })).stdout.trimEnd();
  }

  /** A property of the service. */
  property(name: string): Promise<string> {
    return this.shell(`systemctl show --property=${name} --value kube-proxy-nft`);
  }

  /** Shuts down as a user would, loses what only the kernel knew, and boots. */
  async reboot(): Promise<void> {
    const child = this.#container;
    if (child === undefined) throw new Error('it does not run');
    const ended = once(child, 'exit');
    await this.exec(['systemctl', 'poweroff'], { allowFailure: true });
    await ended;
    // The network namespace outlives the container, unlike that of a machine.
    this.#world.nodeShell('nft flush ruleset');
    await this.boot();
  }

  [Symbol.dispose](): void {
    // The container's first process: all others end with it, and then systemd-nspawn.
    if (this.#leader > 0 && this.#container?.exitCode === null) process.kill(this.#leader, 'SIGKILL');
    this.#container?.kill('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  async #isUp(): Promise<boolean> {
    this.#leader = firstProcess(this.#container?.pid ?? 0) ?? 0;
    if (this.#leader === 0) return false;
    const { stdout } = await this.exec(['systemctl', 'is-system-running'], { allowFailure: true });
    return ['running', 'degraded'].includes(stdout.trim());
  }
}

/** The systemd that systemd-nspawn has started. */
function firstProcess(nspawnPid: number): number | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,comm=', '--ppid', `${nspawnPid}`], { encoding: 'utf8' });
  const pid = /^\s*(\d+) systemd$/m.exec(stdout)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** The machine's own, or the one that scripts/test-systemd.sh unpacked, with where its libraries are. */
function nspawn(): { readonly command: string; readonly libraries: string } {
  const unpacked = join(FOLDER, 'nspawn');
  const command = join(unpacked, 'usr', 'bin', 'systemd-nspawn');
  if (!existsSync(command)) return { command: 'systemd-nspawn', libraries: '' };
  const folders = ['lib', 'usr/lib'].flatMap((lib) => {
    const path = join(unpacked, lib);
    const architectures = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('-linux-gnu')) : [];
    return architectures.flatMap((name) => [join(path, name), join(path, name, 'systemd')]);
  });
  return { command, libraries: folders.join(':') };
}
