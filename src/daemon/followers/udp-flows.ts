import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Arguments } from '../../config/arguments.ts';
import type { Conntrack } from '../../conntrack/conntrack.ts';
import { type ConntrackPass, ConntrackReconciler } from '../../conntrack/reconciler.ts';
import { addressBits, type Family, isInCidr, parseCidr } from '../../ip.ts';
import type { Cluster } from '../../service/cluster.ts';
import type { Frontend } from '../../service/frontend.ts';
import { HeldUdpFrontends } from '../../service/held-udp-frontends.ts';
import { atOnce, type Steps } from '../../service/steps.ts';
import {
  formerUdpFrontend,
  type UdpAddress,
  type UdpClients,
  type UdpFrontend,
  udpFrontendsOf,
} from '../../service/udp-frontends.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import type { SyncResult } from '../../sync/observer.ts';
import { inSlices } from '../../sync/slices.ts';
import { nodePortClients, podNetworks } from '../models.ts';
import { LOOPBACK, nodePortNetworks, ownAddresses } from '../node-addresses.ts';

/** Milliseconds for which the interfaces' addresses are cached, because a listing looks them up for each of its flows. */
const ADDRESSES_VALID = 1000;

/** Services that are followed at once. More are followed in parts, so that health checks are answered in between. */
const FEW = 256;

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

/** A Service at the end of a transaction. */
interface InForce {
  readonly key: string;
  readonly frontends: readonly Frontend[];
  /** False if another change of it is not in force yet. */
  readonly isSettled: boolean;
}

/** The UDP flows of one family. Flows that the rules would no longer create end once a change is in force. */
export class UdpFlows {
  readonly #options: UdpFlowsOptions;
  readonly #reconciler: ConntrackReconciler;
  readonly #held = new HeldUdpFrontends();
  readonly #udpClients: UdpClients;
  /** What is followed in slices, one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #isStopped = false;
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
      async *allFrontends() {
        for (const [i, key] of [...cluster.serviceKeys()].entries()) {
          yield* frontendsOf(key);
          if (i % FEW === FEW - 1) await nextTurn();
        }
      },
      servesNodePorts: (address) => this.servesNodePorts(address),
      ...(onPass && { onPass }),
    });
  }

  /** Records what is now in force in the kernel. */
  follow({ kind, services }: SyncResult): void {
    // Flows may have become stale unnoticed, before the start or while rules were missing.
    const adopted = kind === 'full' ? this.#options.model.takeAdopted() : undefined;
    const { model } = this.#options;
    // As they are in force now. While the work waits, the model goes on.
    const inForce = (adopted === undefined ? services : this.#allKeys()).map(
      (key): InForce => ({ key, frontends: model.frontendsOf(key), isSettled: !model.isPending(key) }),
    );
    const steps = this.#followSteps(inForce, adopted);
    if (this.#queued === 0 && inForce.length <= FEW) {
      atOnce(steps);
      return;
    }
    this.#queued++;
    this.#queue = this.#queue.then(async () => {
      if (!this.#isStopped) await inSlices(steps);
      this.#queued--;
    });
  }

  /** `adopted`: what was found in the kernel, if the whole table is in force anew. */
  *#followSteps(services: readonly InForce[], adopted: readonly UdpAddress[] | undefined): Steps<void> {
    if (adopted !== undefined) this.#held.set(LAST_RUN, adopted);
    const frontends: UdpFrontend[] = [];
    for (const [i, service] of services.entries()) {
      frontends.push(...this.#former(service));
      if (adopted === undefined) frontends.push(...this.#frontendsOf(service.key));
      if (i % FEW === FEW - 1) yield;
    }
    this.#reconciler.request(frontends);
    if (adopted === undefined) return;
    this.#reconciler.request(this.#held.set(LAST_RUN, []).map(formerUdpFrontend));
    this.#reconciler.requestAll();
  }

  /** The Services that there are, and those that had frontends. */
  #allKeys(): readonly string[] {
    const keys = new Set([...this.#held.services, ...this.#options.cluster.serviceKeys()]);
    keys.delete(LAST_RUN);
    return [...keys];
  }

  /** Whether an address (canonical) is one of this node's addresses that serve node ports. */
  servesNodePorts(address: string): boolean {
    return this.#nodePortAddresses().has(address);
  }

  /** Stops permanently. */
  stop(): void {
    this.#isStopped = true;
    this.#reconciler.stop();
  }

  /** Records what a Service holds, and returns what no Service holds any more. */
  #former({ key, frontends, isSettled }: InForce): readonly UdpFrontend[] {
    const held = frontends.filter(({ protocol }) => protocol === 'udp');
    const addresses = held.map(({ address, port }) => ({ address, port }));
    return this.#held.set(key, addresses, isSettled).map(formerUdpFrontend);
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
