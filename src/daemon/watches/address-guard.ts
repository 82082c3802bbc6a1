import type { Arguments } from '../../config/arguments.ts';
import { canonicalAddress, FAMILIES, familyOf, networkTester, parseCidr } from '../../ip.ts';
import type { Cluster } from '../../service/cluster.ts';
import { objectionsOf } from '../../service/reserved-addresses.ts';
import { whyUnused } from '../../service/service-cidr-use.ts';
import type { Shortfalls } from '../../sync/shortfalls.ts';
import { ownAddresses } from '../node-addresses.ts';
import { objectionMessages, SERVICE_CIDR_ADVICE } from './address-messages.ts';

/** The Service that the API server creates for itself. Its endpoints are the API servers. */
const KUBERNETES = 'default/kubernetes';

/** The guard's name in reports. */
const REPORTER = 'addresses';

export interface AddressGuardOptions {
  readonly cluster: Cluster;
  readonly args: Pick<Arguments, 'protectAddresses' | 'podCidrs'>;
  /** Receives what is refused, or served although it should not be. */
  readonly shortfalls: Shortfalls;
  /** The host name or address of the API server; undefined if it is unknown, or is its own ClusterIP. */
  readonly apiServerHost?: string | undefined;
  readonly apiServerPort?: number | undefined;
  /** Receives changed decisions, once cluster and shortfalls have them. */
  readonly onRedecided?: (change: Redecided) => void;
  /** The canonical addresses of this machine. Default: those of its interfaces. */
  readonly readAddresses?: () => readonly string[];
}

/** Decisions that changed. */
export interface Redecided {
  /** Whether the set of used ServiceCIDRs changed. */
  readonly networks: boolean;
  /** The keys of Services that may get other addresses. */
  readonly services: readonly string[];
}

/**
 * Decides which external and load balancer IPs Services may have, and which ServiceCIDRs are used, from the state of the
 * cluster and the node. Writes the result to the cluster (`reserved`, `usedServiceCidrs`), and reports objections. It
 * decides nothing before `begin`, because until all Services are known, a node's address may seem to belong to something
 * else. The cost of a change of a Service is proportional to its external addresses.
 */
export class AddressGuard {
  readonly #options: AddressGuardOptions;
  readonly #readAddresses: () => readonly string[];
  #hasBegun = false;
  /** Whether a decision waits until all arrived objects are read. */
  #isDeciding = false;
  /** The addresses of the interfaces at the last check. */
  #own: readonly string[] = [];
  /** Whether any of them is in a ServiceCIDR. Whether it belongs to a Service can then change with the Services. */
  #isWithin = false;
  /** The facts behind the last decision. */
  #facts = '';
  /** Services with objections. */
  readonly #objected = new Set<string>();
  /** Services with external or load balancer IPs. */
  readonly #external = new Set<string>();
  #cidrs: Map<string, DecidedCidr> = new Map();

  constructor(options: AddressGuardOptions) {
    this.#options = options;
    this.#readAddresses = options.readAddresses ?? (() => FAMILIES.flatMap(ownAddresses));
  }

  /** Starts to decide and report. Must be called once all objects are known. */
  begin(): void {
    this.#hasBegun = true;
    this.#own = this.#readAddresses();
    for (const key of this.#options.cluster.serviceKeys()) this.#note(key);
    this.decide();
  }

  /** Handles changed Services, or Services whose slices changed. */
  servicesChanged(keys: readonly string[]): void {
    if (!this.#hasBegun) return;
    for (const key of keys) {
      this.#note(key);
      this.#report(key);
    }
    if (keys.includes(KUBERNETES)) this.decide();
  }

  /** Checks the addresses of the interfaces again, because they change without a change of an object. */
  look(): void {
    if (!this.#hasBegun) return;
    const own = this.#readAddresses();
    if (!this.#isWithin && own.join() === this.#own.join()) return;
    this.#own = own;
    this.decide();
  }

  /** Decides again once all arrived objects are read. There can be many ServiceCIDRs, and each decision visits them all. */
  decideSoon(): void {
    if (!this.#hasBegun || this.#isDeciding) return;
    this.#isDeciding = true;
    setImmediate(() => {
      this.#isDeciding = false;
      this.decide();
    });
  }

  /** Decides again, because the Node, the ServiceCIDRs or the API server's endpoints have changed. */
  decide(): void {
    if (!this.#hasBegun) return;
    const { cluster, args, onRedecided } = this.#options;
    const apiServers = this.#apiServers();
    const podNetworks = [...new Set([...args.podCidrs.values(), ...(cluster.node?.podCidrs ?? [])])];
    const nodeAddresses = [...new Set([...(cluster.node?.addresses ?? []), ...this.#own])];
    const others = JSON.stringify([
      [...apiServers].map(([address, ports]) => [address, ...ports]),
      podNetworks,
      nodeAddresses,
    ]);
    const networks = this.#usedCidrs({ others, apiServers: apiServers.keys(), podNetworks, nodeAddresses });
    const facts = `${others} ${networks}`;
    if (facts === this.#facts) return;
    this.#facts = facts;
    const isOtherNetworks = networks.join() !== cluster.usedServiceCidrs?.join();
    cluster.usedServiceCidrs = networks;
    // There may be many ServiceCIDRs, and they arrive one by one. Few Services have external addresses.
    let isServiceAddress: ReturnType<typeof networkTester> | undefined;
    cluster.reserved = {
      protection: args.protectAddresses,
      apiServers,
      isPodAddress: networkTester(podNetworks),
      isServiceAddress: (address) => {
        isServiceAddress ??= networkTester(networks);
        return isServiceAddress(address);
      },
      nodeAddresses: new Set(nodeAddresses),
    };
    const services = this.#reportAll();
    onRedecided?.({ networks: isOtherNetworks, services });
  }

  /** The addresses of the API servers: those that this daemon uses, and those in the cluster's objects. */
  #apiServers(): ReadonlyMap<string, ReadonlySet<number>> {
    const { cluster, apiServerHost = '', apiServerPort } = this.#options;
    const apiServers = new Map<string, Set<number>>();
    const add = (address: string, port: number) =>
      apiServers.set(address, (apiServers.get(address) ?? new Set()).add(port));
    const host = familyOf(apiServerHost) === undefined ? undefined : canonicalAddress(apiServerHost);
    // A ClusterIP is in a ServiceCIDR legitimately.
    const isClusterIp = host !== undefined && cluster.service(KUBERNETES)?.clusterIps.includes(host);
    if (host !== undefined && apiServerPort !== undefined && !isClusterIp) add(host, apiServerPort);
    for (const { ports, endpoints } of cluster.slicesOf(KUBERNETES))
      for (const { address } of endpoints) for (const { port } of ports) add(address, port);
    return apiServers;
  }

  /**
   * The networks of the ServiceCIDRs that are used. Those that are not used are reported. Only changed ones are checked,
   * unless something else changed. An interface may have a ClusterIP: a node-local DNS cache has that of its Service, and
   * kube-proxy's ipvs mode has all of them. ServiceCIDRs with an interface's address are checked each time.
   */
  #usedCidrs({ others, apiServers, podNetworks, nodeAddresses }: Facts): readonly string[] {
    const { cluster } = this.#options;
    const taken = {
      addresses: [
        ...nodeAddresses.map((address) => [address, 'an address of this node'] as const),
        ...[...apiServers].map((address) => [address, 'an API server’s address'] as const),
      ],
      podNetworks: podNetworks.flatMap((text) => parseCidr(text) ?? []),
    };
    const own = new Set(this.#own);
    let clusterIps: ReadonlySet<string> | undefined;
    this.#isWithin = false;
    const before = this.#cidrs;
    this.#cidrs = new Map();
    for (const [name, networks] of cluster.serviceCidrsByName) {
      const known = before.get(name);
      if (known?.networks === networks && known.others === others && !known.isWithin) {
        this.#cidrs.set(name, known);
        continue;
      }
      let isWithin = false;
      const why = whyUnused(networks, taken, (address) => {
        if (!own.has(address)) return false;
        isWithin = true;
        clusterIps ??= new Set([...cluster.serviceKeys()].flatMap((key) => cluster.service(key)?.clusterIps ?? []));
        return clusterIps.has(address);
      });
      this.#cidrs.set(name, { networks, others, isWithin, why });
      this.#isWithin ||= isWithin;
      if (why !== known?.why) this.#reportCidr(name, why);
    }
    for (const [name, { why }] of before) {
      if (why !== undefined && !this.#cidrs.has(name)) this.#reportCidr(name, undefined);
    }
    return [...this.#cidrs.values()].flatMap(({ networks, why }) => (why === undefined ? networks : []));
  }

  /** Reports on all Services with external addresses. Returns those that may gain or lose addresses. */
  #reportAll(): readonly string[] {
    const keys = [...this.#external];
    for (const key of keys) this.#report(key);
    return this.#options.args.protectAddresses === 'enforce' ? keys : [];
  }

  /** Records whether a Service has external addresses. */
  #note(key: string): void {
    const service = this.#options.cluster.service(key);
    const has = service !== undefined && (service.externalIps.length > 0 || service.loadBalancerIps.length > 0);
    if (has) this.#external.add(key);
    else this.#external.delete(key);
  }

  #report(key: string): void {
    const { cluster, shortfalls } = this.#options;
    if (!this.#external.has(key) && !this.#objected.has(key)) return;
    const service = cluster.service(key);
    const objections = service === undefined ? [] : objectionsOf(service, cluster.reserved);
    if (objections.length > 0) this.#objected.add(key);
    else if (!this.#objected.delete(key)) return;
    for (const [reason, message] of objectionMessages(objections))
      shortfalls.report({ kind: 'Service', key }, reason, message, REPORTER);
  }

  #reportCidr(key: string, why: string | undefined): void {
    const message = why === undefined ? undefined : `${why}: ${SERVICE_CIDR_ADVICE}`;
    this.#options.shortfalls.report({ kind: 'ServiceCIDR', key }, 'service-cidr', message, REPORTER);
  }
}

/** What ServiceCIDRs must not contain, and a text with all of it for comparison. */
interface Facts {
  readonly others: string;
  readonly apiServers: Iterable<string>;
  readonly podNetworks: readonly string[];
  readonly nodeAddresses: readonly string[];
}

/** A ServiceCIDR, the decision about it, and the facts behind that decision. */
interface DecidedCidr {
  readonly networks: readonly string[];
  readonly others: string;
  /** Whether it contains an address of an interface. */
  readonly isWithin: boolean;
  readonly why: string | undefined;
}
