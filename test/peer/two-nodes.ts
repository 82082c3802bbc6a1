import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf, type RawObject, type RealApiServer, startApiServer } from './api-server.ts';
import { Beacon } from './beacon.ts';
import { ClusterState } from './cluster-state.ts';
import { Network } from './network.ts';
import type { PeerPrograms } from './programs.ts';
import { EXECUTABLE, kubeProxy, ours, type ProxyOnNode } from './proxies.ts';
import type { Step } from './random-cluster.ts';

const SIDES = ['ours', 'theirs'] as const;

/** Something of each of the two nodes. */
export interface Both<T> {
  readonly ours: T;
  readonly theirs: T;
}

/** Two nodes side by side, with our proxy on one and kube-proxy on the other, both of one API server. */
export class TwoNodes {
  readonly state: ClusterState;
  readonly networks: Both<Network>;
  readonly proxies: Both<ProxyOnNode>;
  readonly #api: RealApiServer;
  readonly #beacon: Beacon;
  readonly #directory: string;
  #flags: readonly string[] = [];
  /** The start of kube-proxy that has written its rules with everything known. */
  #nudgedAfter = 0;

  private constructor(api: RealApiServer, networks: Both<Network>, programs: PeerPrograms) {
    this.#api = api;
    this.networks = networks;
    this.state = new ClusterState(api);
    this.#beacon = new Beacon(api);
    this.#directory = mkdtempSync(join(tmpdir(), 'kpn-judge-'));
    const kubeconfig = api.kubeconfig();
    this.proxies = {
      ours: ours(EXECUTABLE, networks.ours.namespace, kubeconfig, this.#directory),
      theirs: kubeProxy(programs.kubeProxy, networks.theirs.namespace, kubeconfig),
    };
  }

  /** Starts everything but the proxies. Call `end` when done. */
  static async create(programs: PeerPrograms): Promise<TwoNodes> {
    const api = await startApiServer(programs.assets, { namespace: true });
    const made: Network[] = [];
    try {
      for (const _ of SIDES) {
        const network = await Network.create();
        made.push(network);
        api.join(network.namespace);
      }
      const [mine, peers] = made;
      if (mine === undefined || peers === undefined) throw new Error('there are no two networks');
      return new TwoNodes(api, { ours: mine, theirs: peers }, programs);
    } catch (error) {
      for (const network of made) await network.remove();
      await api.stop();
      throw error;
    }
  }

  /** What both proxies run with. */
  get flags(): readonly string[] {
    return this.#flags;
  }

  /** Has both proxies run with these flags. */
  async useFlags(flags: readonly string[]): Promise<void> {
    const proxies = [this.proxies.ours, this.proxies.theirs];
    if (proxies.every(({ starts }) => starts > 0) && this.#flags.join('\n') === flags.join('\n')) return;
    this.#flags = flags;
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    for (const proxy of proxies) proxy.start(flags);
  }

  /** Makes a step's changes and waits until both nodes have them. Gives the objects before. */
  async change({ edits, killedAt }: Step): Promise<readonly RawObject[]> {
    const before = this.state.objects;
    for (const [i, edit] of edits.entries()) {
      if (i === killedAt) await this.proxies.ours.stop('SIGKILL');
      await this.state.make(edit);
    }
    if (edits.length === killedAt) await this.proxies.ours.stop('SIGKILL');
    if (killedAt !== undefined) this.proxies.ours.start();
    const kinds = edits.map((edit) => ('remove' in edit ? edit.remove[0] : edit.apply.kind));
    // kube-proxy takes ServiceCIDRs into account when it writes everything.
    if (kinds.includes('ServiceCIDR')) this.#nudgedAfter = 0;
    await this.#settle();
    return before;
  }

  /** Lets both nodes forget which connections passed untouched, and the flows that do not stay. */
  async forget(): Promise<void> {
    await Promise.all(SIDES.map((side) => this.networks[side].forget()));
  }

  async end(): Promise<void> {
    await Promise.all(SIDES.map((side) => this.proxies[side].remove()));
    await Promise.all(SIDES.map((side) => this.networks[side].remove()));
    await this.#api.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Waits until both proxies have everything. */
  async #settle(): Promise<void> {
    await this.#untilInSync();
    const { starts } = this.proxies.theirs;
    if (starts === this.#nudgedAfter) return;
    // It may have written its rules before it knew the ServiceCIDRs, and does so again after an hour, or for a new zone.
    const node = this.state.objects.find(({ kind }) => kind === 'Node');
    if (node === undefined) throw new Error('there is no Node');
    const labels = node.metadata['labels'] as Readonly<Record<string, string>> | undefined;
    for (const zone of ['zone-of-a-moment', labels?.[ZONE] ?? null]) {
      const patch = { metadata: { labels: { [ZONE]: zone } } };
      await this.#api.request('PATCH', pathOf('Node', node.metadata), patch, 'application/merge-patch+json');
    }
    await this.#untilInSync();
    this.#nudgedAfter = starts;
  }

  async #untilInSync(): Promise<void> {
    await this.#beacon.turn();
    await Promise.all(
      SIDES.map((side) => {
        const proxy = this.proxies[side];
        return this.#beacon.untilSeen(this.networks[side], () => `${proxy.name}: ${proxy.log}`);
      }),
    );
  }
}

const ZONE = 'topology.kubernetes.io/zone';
