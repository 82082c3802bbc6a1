import type { RawObject } from '../doubles/api-server-store.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from '../traffic/daemon.ts';
import { Api } from './api.ts';
import { BYSTANDER, Bystander, type Target } from './bystander.ts';
import { LineProgram } from './line-program.ts';
import { node } from './objects.ts';
import type { Testimony } from './programs/witness-program.ts';

export const NODE_NAME = 'node-a';
/** Where a daemon answers whether it lives. */
export const LIVEZ = 'http://127.0.0.1:10256/livez';
/** Where it shows its metrics. */
export const METRICS = 'http://127.0.0.1:10249/metrics';

/** A node with a daemon, its API server, a bystander, and one pod's namespace to attack from. Dispose of it when done. */
export class Stage {
  readonly world: World = createWorld();
  readonly api: Api = new Api(this.world);
  readonly bystander: Bystander;
  readonly daemon: Daemon;
  /** 1 for the attacks as they are described; less for smaller ones. */
  readonly scale: number;
  readonly #target: Target;
  #witness: LineProgram | undefined;
  #testified: (testimony: Testimony) => void = () => undefined;

  /** `source`: where objects are written if it is not the API server, and the flags that name it. */
  constructor(scale: number, source?: { readonly target: Target; readonly flags: readonly string[] }) {
    this.scale = scale;
    this.#target = source?.target ?? this.api;
    this.bystander = new Bystander(this.#target);
    this.daemon = new Daemon(this.world, source?.flags ?? ['--kubeconfig', this.api.kubeconfig]);
  }

  /** A number of an attack's, made smaller where the run is to be small. */
  many(count: number): number {
    return Math.max(1, Math.ceil(count * this.scale));
  }

  /** Makes the cluster as it is before the attack. */
  async prepare(): Promise<void> {
    const pods = new LineProgram(this.world, 'pods', 'pods-program', [BYSTANDER.target]);
    await Promise.all([this.api.ready(), pods.ready()]);
    this.put(node(NODE_NAME, [NODE.ip4]), ...this.bystander.objects);
    await this.#target.done();
  }

  put(...objects: readonly RawObject[]): void {
    this.#target.put(...objects);
  }

  /** Starts the daemon and waits until it serves. */
  async startDaemon(flags: readonly string[] = []): Promise<void> {
    const cidrs = ['--cluster-cidr', '10.32.0.0/15,fd00:32::/31'];
    await this.daemon.start(['--hostname-override', NODE_NAME, ...cidrs, ...flags]);
  }

  /** Begins to look on, and to request these URLs. */
  async watch(urls: readonly string[]): Promise<void> {
    const { address, port } = BYSTANDER;
    this.#witness = new LineProgram(this.world, 'node', 'witness-program', [address, port, this.daemon.pid, ...urls]);
    await this.#witness.ready((line) => {
      const [word, endpoint = '', at] = line.split(' ');
      if (word === 'seen') this.bystander.saw(endpoint, Number(at));
      else this.#testified(JSON.parse(line));
    });
  }

  /** What has been seen so far. */
  testimony(): Promise<Testimony> {
    const { promise, resolve } = Promise.withResolvers<Testimony>();
    this.#testified = resolve;
    this.#witness?.say('done');
    return promise;
  }

  [Symbol.dispose](): void {
    try {
      this.world.remove();
    } finally {
      this.daemon[Symbol.dispose]();
      this.api[Symbol.dispose]();
    }
  }
}
