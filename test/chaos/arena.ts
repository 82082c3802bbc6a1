import process from 'node:process';
import { Api } from '../hostile/api.ts';
import { BYSTANDER, Bystander } from '../hostile/bystander.ts';
import { startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Draws } from '../peer/draws.ts';
import { Daemon } from '../traffic/daemon.ts';
import { changeSomething, changingObjects, lastingObjects, NODE_NAME, targets } from './cluster.ts';
import { Notices } from './notices.ts';
import { type Target, Traffic } from './traffic.ts';

export interface ArenaOptions {
  readonly seed: number;
  readonly services: number;
  /** Connections a second. */
  readonly rate: number;
  /** A folder with another nft than this machine's, for the daemon. */
  readonly nftFolder?: string;
}

/** Milliseconds between two changes of the cluster. */
const CHANGE_EVERY = 500;
/** The bystander's Service is probed so many times in each round of targets. */
const BYSTANDER_TURNS = 4;

/** A node with a daemon, its API server, clients that connect all the time, and a cluster that changes. Dispose of it when done. */
export class Arena {
  readonly world: World = createWorld();
  readonly api: Api = new Api(this.world);
  readonly daemon: Daemon = new Daemon(this.world, ['--kubeconfig', this.api.kubeconfig]);
  readonly bystander: Bystander = new Bystander(this.api);
  readonly notices: Notices = new Notices(this.daemon);
  readonly traffic: Traffic;
  readonly #options: ArenaOptions;
  readonly #draws: Draws;
  #churn: NodeJS.Timeout | undefined;

  constructor(options: ArenaOptions) {
    this.#options = options;
    this.#draws = new Draws(options.seed, 0);
    this.traffic = new Traffic({
      targets: [...targets(), ...bystanderTargets()],
      rate: options.rate,
      onAnswer: (target, endpoint, began) => {
        if (target.startsWith('bystander')) this.bystander.saw(endpoint.replace(/:\d+$/, ''), began);
      },
    });
  }

  /** Starts everything; resolves when all clients are served. */
  async start(): Promise<void> {
    const servers = (['tcp', 'udp'] as const).flatMap((protocol) =>
      ['*', '**'].map((address) => ({ protocol, address, port: BYSTANDER.target })),
    );
    await Promise.all([this.api.ready(), startServers(this.world, 'pods', servers)]);
    this.api.put(...lastingObjects(this.#options.services), ...changingObjects(), ...this.bystander.objects);
    await this.api.done();
    await this.startDaemon();
    await this.notices.watchMetrics(this.world);
    await this.traffic.start(this.world);
  }

  /** Starts the daemon, as its supervisor would, and waits until it serves. */
  async startDaemon(): Promise<void> {
    const { nftFolder } = this.#options;
    const { PATH = '' } = process.env;
    const env = { ...process.env, ...(nftFolder !== undefined && { PATH: `${nftFolder}:${PATH}` }) };
    await this.daemon.start(['--hostname-override', NODE_NAME, '--cluster-cidr', '10.32.0.0/15,fd00:32::/31'], env);
  }

  startChurn(): void {
    this.#churn = setInterval(() => {
      this.bystander.change();
      changeSomething(this.api, this.#draws);
    }, CHANGE_EVERY);
  }

  stopChurn(): void {
    clearInterval(this.#churn);
  }

  [Symbol.dispose](): void {
    this.stopChurn();
    try {
      this.world.remove();
    } finally {
      this.daemon[Symbol.dispose]();
      this.api[Symbol.dispose]();
    }
  }
}

function bystanderTargets(): readonly Target[] {
  return Array.from({ length: BYSTANDER_TURNS }, (_, n) => ({
    name: `bystander-${n}`,
    where: 'node',
    protocol: 'tcp',
    address: BYSTANDER.address,
    port: BYSTANDER.port,
    answeredBy: '10.32.1',
  }));
}
