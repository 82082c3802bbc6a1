import type { Arguments } from '../../config/arguments.ts';
import type { Conntrack } from '../../conntrack/conntrack.ts';
import { type ConntrackPass, ConntrackReconciler } from '../../conntrack/reconciler.ts';
import { addressBits, type Family, isInCidr, parseCidr } from '../../ip.ts';
import type { Cluster } from '../../service/cluster.ts';
import { HeldUdpFrontends } from '../../service/held-udp-frontends.ts';
import { formerUdpFrontend, type UdpClients, type UdpFrontend, udpFrontendsOf } from '../../service/udp-frontends.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import type { SyncResult } from '../../sync/observer.ts';
import { nodePortClients, podNetworks } from '../models.ts';
import { LOOPBACK, nodePortNetworks, ownAddresses } from '../node-addresses.ts';

/** Milliseconds for which the interfaces' addresses are cached, because a listing looks them up for each of its flows. */
const ADDRESSES_VALID = 1000;

/** The owner of what was found in the kernel at the start. It is not the key of a Service. */
const LAST_RUN = '';

export interface UdpFlowsOptions {
  readonly cluster: Cluster;
  readonly model: FamilyModel;
  readonly args: Pick<Arguments, 'nodePortAddresses' | 'nodePortSourceRanges' | 'detectLocal' | 'podCidrs'>;
  readonly conntrack: Conntrack;
  readonly onPass?: (pass: ConntrackPass) => void;
  /** The canonical addresses of this machine in a family. Default: those of its interfaces. */
  readonly readAddresses?: (family: Family) => readonly string[];
}

/** The UDP flows of one family. Flows that the rules would no longer create end once a change is in force. */
export class UdpFlows {
  readonly #options: UdpFlowsOptions;
  readonly #reconciler: ConntrackReconciler;
  readonly #held = new HeldUdpFrontends();
  readonly #udpClients: UdpClients;
  #own: { readonly until: number; readonly addresses: readonly string[] } = { until: -Infinity, addresses: [] };
  #nodePorts: { readonly from: readonly unknown[]; readonly addresses: ReadonlySet<string> } | undefined;
  #clients: { readonly from: readonly unknown[]; readonly networks: readonly string[] } | undefined;

  constructor(options: UdpFlowsOptions) {
    const { cluster, model, args, conntrack, onPass } = options;
    this.#options = options;
    this.#udpClients = {
      here: () => this.#clientsHere(),
      node: () => this.#nodeItself(),
      nodePorts: nodePortClients(args, model.family),
    };
    const frontendsOf = (key: string) => this.#frontendsOf(key);
    this.#reconciler = new ConntrackReconciler({
      family: model.family,
      conntrack,
      *allFrontends() {
        for (const key of cluster.serviceKeys()) yield* frontendsOf(key);
      },
      servesNodePorts: (address) => this.servesNodePorts(address),
      ...(onPass && { onPass }),
    });
  }

  /** Records what is now in force in the kernel. */
  follow({ kind, services }: SyncResult): void {
    if (kind === 'partial') {
      this.#reconciler.request(services.flatMap((key) => [...this.#former(key), ...this.#frontendsOf(key)]));
      return;
    }
    // Flows may have become stale unnoticed, before the start or while rules were missing.
    this.#held.set(LAST_RUN, this.#options.model.takeAdopted());
    const keys = new Set([...this.#held.services, ...this.#options.cluster.serviceKeys()]);
    this.#reconciler.request([...keys].flatMap((key) => (key === LAST_RUN ? [] : this.#former(key))));
    this.#reconciler.request(this.#held.set(LAST_RUN, []).map(formerUdpFrontend));
    this.#reconciler.requestAll();
  }

  /** Whether an address (canonical) is one of this node's addresses that serve node ports. */
  servesNodePorts(address: string): boolean {
    return this.#nodePortAddresses().has(address);
  }

  /** Stops permanently. */
  stop(): void {
    this.#reconciler.stop();
  }

  /** Records what a Service holds, and returns what no Service holds any more. */
  #former(key: string): readonly UdpFrontend[] {
    const { model } = this.#options;
    const held = model.frontendsOf(key).filter(({ protocol }) => protocol === 'udp');
    const addresses = held.map(({ address, port }) => ({ address, port }));
    return this.#held.set(key, addresses, !model.isPending(key)).map(formerUdpFrontend);
  }

  #frontendsOf(key: string): readonly UdpFrontend[] {
    const { cluster, model } = this.#options;
    const service = cluster.service(key);
    if (service === undefined) return [];
    return udpFrontendsOf(service, model.slicesOf(key), model.frontendsOf(key), this.#udpClients);
  }

  /** The clients on this node, by the rules: its pods and itself. Undefined if the rules recognise pods by interface. */
  #clientsHere(): readonly string[] | undefined {
    const { cluster, model, args } = this.#options;
    const pods = podNetworks(cluster, args, model.family);
    if (pods === undefined) return undefined;
    const own = this.#ownAddresses();
    const from = [own, pods.join()];
    if (!isSame(this.#clients?.from, from)) {
      this.#clients = { from, networks: [...pods, ...this.#nodeItself()] };
    }
    return this.#clients?.networks;
  }

  #nodeItself(): readonly string[] {
    const { family } = this.#options.model;
    return [LOOPBACK[family], ...this.#ownAddresses().map((address) => `${address}/${addressBits(family)}`)];
  }

  /** Where the rules serve node ports. */
  #nodePortAddresses(): ReadonlySet<string> {
    const { cluster, model, args } = this.#options;
    const own = this.#ownAddresses();
    const from = [own, cluster.node];
    if (this.#nodePorts === undefined || !isSame(this.#nodePorts.from, from)) {
      const texts = nodePortNetworks(args.nodePortAddresses, cluster.node, model.family);
      const networks = texts.flatMap((text) => parseCidr(text) ?? []);
      const loopback = parseCidr(LOOPBACK[model.family]);
      const isServed = (address: string) =>
        networks.some((network) => isInCidr(address, network)) && !(loopback && isInCidr(address, loopback));
      this.#nodePorts = { from, addresses: new Set(own.filter(isServed)) };
    }
    return this.#nodePorts.addresses;
  }

  #ownAddresses(): readonly string[] {
    const now = performance.now();
    if (now < this.#own.until) return this.#own.addresses;
    const { model, readAddresses = ownAddresses } = this.#options;
    const addresses = readAddresses(model.family);
    const isUnchanged = isSame(this.#own.addresses, addresses);
    this.#own = { until: now + ADDRESSES_VALID, addresses: isUnchanged ? this.#own.addresses : addresses };
    return this.#own.addresses;
  }
}

function isSame(a: readonly unknown[] | undefined, b: readonly unknown[]): boolean {
  return a?.length === b.length && a.every((item, i) => item === b[i]);
}
