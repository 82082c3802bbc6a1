import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../builders/eventually.ts';
import type { ExecResult } from '../netns/namespaces.ts';
import type { World } from '../netns/world.ts';
import { argsOf, type Container, readDaemonSet, readDeployed } from './deployment.ts';

/** What kubelet mounts into a pod: folders on this machine, and where the configuration is seen. */
export interface Mounted {
  readonly config: string;
  readonly configPath: string;
  readonly serviceAccount: string;
}

/** Runs the DaemonSet's container on a world's node, under its securityContext. */
export interface Runtime {
  /** Where the configuration is mounted. */
  readonly configPath: string;
  start(container: Container, args: readonly string[], mounted: Mounted): ChildProcess;
  /** As `kubectl exec` does it, in the container that was started. */
  exec(argv: readonly string[]): Promise<ExecResult>;
  /** The main process, as this machine counts. */
  pid(): number;
  stop(): Promise<void>;
}

/** The DaemonSet's pod with its flags, files, user and capabilities; its API server is a double. */
export class Pod {
  readonly container: Container;
  readonly #world: World;
  readonly #runtime: Runtime;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kpn-pod-'));
  #log = '';

  constructor(world: World, runtime: Runtime) {
    this.#world = world;
    this.#runtime = runtime;
    this.container = readDaemonSet().spec.template.spec.containers[0];
  }

  /** Everything it has logged. */
  get log(): string {
    return this.#log;
  }

  /** Puts address, authority and token of the double's `kubeconfig` where a pod has them; returns these folders. */
  mount(kubeconfig: string): Mounted {
    const { configPath } = this.#runtime;
    const config = join(this.#folder, 'config');
    const serviceAccount = join(this.#folder, 'account');
    for (const folder of [config, serviceAccount]) mkdirSync(folder, { recursive: true });
    const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8'));
    const { server, 'certificate-authority-data': authority } = clusters[0].cluster;
    writeFileSync(join(config, 'config.conf'), this.#moved(readDeployed('config.conf')));
    const ours = readDeployed('kubeconfig.conf').replace(/^( *server:).*$/m, `$1 ${server}`);
    writeFileSync(join(config, 'kubeconfig.conf'), ours);
    writeFileSync(join(serviceAccount, 'ca.crt'), Buffer.from(authority, 'base64'));
    // As kubelet does it where not all containers are one user.
    writeFileSync(join(serviceAccount, 'token'), users[0].user.token, { mode: 0o644 });
    return { config, configPath, serviceAccount };
  }

  /** Starts the container, and waits until all Services are programmed. */
  async start(nodeName: string, kubeconfig: string): Promise<void> {
    const args = argsOf(this.container, nodeName).map((arg) => this.#moved(arg));
    const child = this.#runtime.start(this.container, args, this.mount(kubeconfig));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    let isOver = false;
    void once(child, 'exit').then(() => {
      isOver = true;
    });
    await eventually(
      () => this.#log.includes('] ready: ') || isOver,
      () => this.#log,
    );
    if (isOver) throw new Error(`it ended: ${this.#log}`);
  }

  /** The daemon's lines in /proc/PID/status: "CapEff" → "0000000000001000". */
  get status(): ReadonlyMap<string, string> {
    const lines = readFileSync(`/proc/${this.#runtime.pid()}/status`, 'utf8').trim().split('\n');
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  }

  exec(...argv: readonly string[]): Promise<ExecResult> {
    return this.#runtime.exec(argv);
  }

  /** Status and body of what kubelet's probe is answered. */
  async probe(which: 'livenessProbe' | 'readinessProbe'): Promise<string> {
    const { host, port, path } = this.container[which]?.httpGet ?? {};
    const program = [
      'import sys, urllib.request, urllib.error',
      'try: answer = urllib.request.urlopen(sys.argv[1], timeout=5)',
      'except urllib.error.HTTPError as error: answer = error',
      'print(answer.status, answer.read().decode())',
    ];
    const argv = ['python3', '-c', program.join('\n'), `http://${host}:${port}${path}`];
    return (await this.#world.exec('node', argv)).stdout;
  }

  async stop(): Promise<void> {
    await this.#runtime.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #moved(text: string): string {
    const written = this.container.volumeMounts.find(({ name }) => name === 'config')?.mountPath ?? '';
    return text.replaceAll(written, this.#runtime.configPath);
  }
}
