import type { Arguments } from '../../config/arguments.ts';
import { canonicalAddress, FAMILIES, familyOf, networkTester, parseCidr } from '../../ip.ts';
import type { Cluster } from '../../service/cluster.ts';
import { objectionsOf } from '../../service/reserved-addresses.ts';
import { whyUnused } from '../../service/service-cidr-use.ts';
import type { Shortfalls } from '../../sync/shortfalls.ts';
import { ownAddresses } from '../node-addresses.ts';
import { objectionMessages, SERVICE_CIDR_ADVICE } from './address-messages.ts';

/** The Service that the API server makes for itself: its endpoints are the API servers. */
const KUBERNETES = 'default/kubernetes';

/** As which the guard reports. */
const REPORTER = 'addresses';

export interface AddressGuardOptions {
  readonly cluster: Cluster;
  readonly args: Pick<Arguments, 'protectAddresses' | 'podCidrs'>;
  /** Told of what is refused or should not be. */
  readonly shortfalls: Shortfalls;
  /** Where the API server is reached, by host name or address; undefined: not known, or by its own ClusterIP. */
  readonly apiServerHost?: string | undefined;
  readonly apiServerPort?: number | undefined;
  /** Told of what is decided otherwise than before, once cluster and shortfalls have it. */
  readonly onRedecided?: (change: Redecided) => void;
  /** The canonical addresses of this machine. Default: those of its interfaces. */
  readonly readAddresses?: () => readonly string[];
}

/** What is decided otherwise than before. */
export interface Redecided {
  /** Whether other ServiceCIDRs are used. */
  readonly networks: boolean;
  /** The keys of Services that may get other addresses. */
  readonly services: readonly string[];
}

/**
 * Decides which external and load balancer IPs Services may have, and which ServiceCIDRs are used, by what is known of
 * cluster and node: writes it to the cluster (`reserved`, `usedServiceCidrs`), and reports what is objected to. It decides
 * nothing before `begin`, since what a node has may look like somebody else's until all Services are known. A change of a
 * Service costs as much as it has external addresses.
 */
export class AddressGuard {
  readonly #options: AddressGuardOptions;
  readonly #readAddresses: () => readonly string[];
  #hasBegun = false;
  /** Whether a decision waits for what has arrived. */
  #isDeciding = false;
  /** The addresses of the interfaces when they were last looked at. */
  #own: readonly string[] = [];
  /** Whether any of them is in a ServiceCIDR: if it is a Service's, that can change with the Services. */
  #isWithin = false;
  /** What the last decision was made from. */
  #facts = '';
  /** Services that something is objected to. */
  readonly #objected = new Set<string>();
  /** Services with external or load balancer IPs. */
  readonly #external = new Set<string>();
  #cidrs: Map<string, DecidedCidr> = new Map();

  constructor(options: AddressGuardOptions) {
    this.#options = options;
    this.#readAddresses = options.readAddresses ?? (() => FAMILIES.flatMap(ownAddresses));
  }

  /** To be called once all objects are known: decides and reports from now on. */
  begin(): void {
    this.#hasBegun = true;
    this.#own = this.#readAddresses();
    for (const key of this.#options.cluster.serviceKeys()) this.#note(key);
    this.decide();
  }

  /** Takes in changed Services, or Services whose slices changed. */
  servicesChanged(keys: readonly string[]): void {
    if (!this.#hasBegun) return;
    for (const key of keys) {
      this.#note(key);
      this.#report(key);
    }
    if (keys.includes(KUBERNETES)) this.decide();
  }

  /** Looks at the addresses of the interfaces again, which change without an object. */
  look(): void {
    if (!this.#hasBegun) return;
    const own = this.#readAddresses();
    if (!this.#isWithin && own.join() === this.#own.join()) return;
    this.#own = own;
    this.decide();
  }

  /** Decides anew once all is read that has arrived: ServiceCIDRs can be many, and each decision goes through all of them. */
  decideSoon(): void {
    if (!this.#hasBegun || this.#isDeciding) return;
    this.#isDeciding = true;
    setImmediate(() => {
      this.#isDeciding = false;
      this.decide();
    });
  }

  /** Decides anew: the Node, the ServiceCIDRs or the API server's endpoints have changed. */
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
    // ServiceCIDRs may be many, and come one by one; few Services have external addresses.
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

  /** Where the API servers are: as this daemon reaches them, and as the cluster has them. */
  #apiServers(): ReadonlyMap<string, ReadonlySet<number>> {
    const { cluster, apiServerHost = '', apiServerPort } = this.#options;
    const apiServers = new Map<string, Set<number>>();
    const add = (address: string, port: number) =>
      apiServers.set(address, (apiServers.get(address) ?? new Set()).add(port));
    const host = familyOf(apiServerHost) === undefined ? undefined : canonicalAddress(apiServerHost);
    // By its ClusterIP it is in a ServiceCIDR rightly.
    const isClusterIp = host !== undefined && cluster.service(KUBERNETES)?.clusterIps.includes(host);
    if (host !== undefined && apiServerPort !== undefined && !isClusterIp) add(host, apiServerPort);
    for (const { ports, endpoints } of cluster.slicesOf(KUBERNETES))
      for (const { address } of endpoints) for (const { port } of ports) add(address, port);
    return apiServers;
  }

  /**
   * The networks of the ServiceCIDRs that are used; what is not is reported. Only those that changed are looked at, unless
   * something else did. An interface may have a ClusterIP: a node-local DNS cache has its Service's, and kube-proxy's ipvs
   * mode has all of them. Of an interface that has one that is decided each time.
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

  /** Reports of all Services with external addresses; returns those that this can give or take some. */
  #reportAll(): readonly string[] {
    const keys = [...this.#external];
    for (const key of keys) this.#report(key);
    return this.#options.args.protectAddresses === 'enforce' ? keys : [];
  }

  /** Notes whether a Service has external addresses. */
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

/** What ServiceCIDRs must not hold, and all of it in one text. */
interface Facts {
  readonly others: string;
  readonly apiServers: Iterable<string>;
  readonly podNetworks: readonly string[];
  readonly nodeAddresses: readonly string[];
}

/** A ServiceCIDR, and what was decided of it by which other facts. */
interface DecidedCidr {
  readonly networks: readonly string[];
  readonly others: string;
  /** Whether it holds an address of an interface. */
  readonly isWithin: boolean;
  readonly why: string | undefined;
}
