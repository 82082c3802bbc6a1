import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { SERVICE_ACCOUNT_DIRECTORY } from '../../src/source/api/kube-config.ts';
import { type ExecResult, run, runSync } from '../netns/namespaces.ts';
import type { World } from '../netns/world.ts';
import type { Container, SecurityContext } from './deployment.ts';
import type { Mounted, Runtime } from './pod.ts';
import { seccompFor } from './seccomp.ts';

export interface Image {
  /** Its file system, unpacked. */
  readonly root: string;
  /** ENTRYPOINT. */
  readonly entrypoint: readonly string[];
}

export interface RuncTools {
  readonly runc: string;
  /** The default seccomp profile of containers-common. */
  readonly seccomp: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CONFIG_PATH = '/var/lib/kube-proxy';
/** Of those that `privileged: true` gives: what writing the host's sysctls takes, a folder's owner, and legacy iptables. */
const PRIVILEGED = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_NET_RAW'];
/** hostPath, as the pod sees it and as `kubectl debug node` does. */
const RUN_DIR = '/run/kube-proxy-nft';

/** The image in a container of runc, as containerd would have it made. */
export class RuncRuntime implements Runtime {
  readonly configPath = CONFIG_PATH;
  readonly #world: World;
  readonly #image: Image;
  readonly #tools: RuncTools;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kpn-runc-'));
  readonly #id = `kpn-${process.pid}`;
  #child: ChildProcess | undefined;

  constructor(world: World, image: Image, tools: RuncTools) {
    this.#world = world;
    this.#image = image;
    this.#tools = tools;
  }

  start({ command, securityContext }: Container, args: readonly string[], mounted: Mounted): ChildProcess {
    const argv = [...(command ?? this.#image.entrypoint), ...args];
    const bundle = this.#bundle('main', this.#image.root, argv, securityContext, mounted);
    this.#child = spawn(this.#tools.runc, [...this.#state, 'run', '--bundle', bundle, this.#id], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return this.#child;
  }

  /** Runs a container to its end, of another image if one is given. */
  async runToEnd(
    { command, securityContext }: Pick<Container, 'command' | 'securityContext'>,
    args: readonly string[],
    mounted: Mounted,
    { root, entrypoint } = this.#image,
  ): Promise<ExecResult> {
    const bundle = this.#bundle('init', root, [...(command ?? entrypoint), ...args], securityContext, mounted);
    return run([this.#tools.runc, ...this.#state, 'run', '--bundle', bundle, `${this.#id}-init`], {
      allowFailure: true,
    });
  }

  exec(argv: readonly string[]): Promise<ExecResult> {
    return run([this.#tools.runc, ...this.#state, 'exec', this.#id, ...argv]);
  }

  /** As exec, where that may fail. */
  tryToExec(argv: readonly string[]): Promise<ExecResult> {
    return run([this.#tools.runc, ...this.#state, 'exec', this.#id, ...argv], { allowFailure: true });
  }

  pid(): number {
    return JSON.parse(runSync([this.#tools.runc, ...this.#state, 'state', this.#id]).stdout).pid;
  }

  /** As kubelet ends a container; returns its exit code. */
  async terminate(): Promise<number | null> {
    const exited = once(this.#child ?? assert.fail('it was not started'), 'exit');
    runSync([this.#tools.runc, ...this.#state, 'kill', this.#id, 'TERM']);
    const [code] = await exited;
    return code;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const exited = once(child, 'exit');
      runSync([this.#tools.runc, ...this.#state, 'kill', this.#id, 'KILL'], { allowFailure: true });
      await exited;
    }
    runSync([this.#tools.runc, ...this.#state, 'delete', '--force', this.#id], { allowFailure: true });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #state(): readonly string[] {
    return ['--root', join(this.#folder, 'state')];
  }

  get #runDir(): string {
    return join(this.#folder, 'host-run');
  }

  #bundle(name: string, root: string, args: readonly string[], context: SecurityContext, mounted: Mounted): string {
    const folder = join(this.#folder, name);
    for (const path of [folder, this.#runDir]) mkdirSync(path, { recursive: true });
    writeFileSync(join(folder, 'config.json'), JSON.stringify(this.#specification(root, args, context, mounted)));
    return folder;
  }

  /** OCI runtime specification, config.md: what containerd makes of a pod with hostNetwork. */
  #specification(
    root: string,
    args: readonly string[],
    context: SecurityContext,
    { config, serviceAccount }: Mounted,
  ): object {
    const { privileged = false, runAsUser = 0, runAsGroup = 0, allowPrivilegeEscalation } = context;
    const capabilities = privileged
      ? PRIVILEGED
      : (context.capabilities ?? { add: [] }).add.map((capability) => `CAP_${capability}`);
    const access = privileged ? 'rw' : 'ro';
    const bind = (destination: string, source: string, how = 'ro') => ({
      destination,
      type: 'bind',
      source,
      options: ['rbind', how],
    });
    return {
      ociVersion: '1.0.2',
      process: {
        user: { uid: runAsUser, gid: runAsGroup },
        args,
        env: [`PATH=${PATH}`],
        cwd: '/',
        capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
        noNewPrivileges: allowPrivilegeEscalation === false,
      },
      root: { path: root, readonly: context.readOnlyRootFilesystem === true },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
        { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
        ...[RUN_DIR, `/host${RUN_DIR}`].map((path) => bind(path, this.#runDir, 'rw')),
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' },
        bind(CONFIG_PATH, config),
        bind(SERVICE_ACCOUNT_DIRECTORY, serviceAccount),
      ],
      linux: {
        namespaces: [
          ...['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
          { type: 'network', path: `/run/netns/${this.#world.namespace('node')}` },
        ],
        ...(privileged
          ? {}
          : {
              readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
              maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
              seccomp: seccompFor(this.#tools.seccomp, capabilities),
            }),
      },
    };
  }
}
