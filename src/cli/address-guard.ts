import { canonicalAddress, FAMILIES, familyOf, networkTester } from '../ip.ts';
import type { Service } from '../objects/service.ts';
import type { Cluster } from '../service/cluster.ts';
import { objectionsOf } from '../service/reserved-addresses.ts';
import { useOfServiceCidrs } from '../service/service-cidr-use.ts';
import type { Shortfalls } from '../sync/shortfalls.ts';
import { objectionMessages, SERVICE_CIDR_ADVICE } from './address-messages.ts';
import type { Arguments } from './arguments.ts';
import { ownAddresses } from './node-addresses.ts';

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
  /** The addresses of the interfaces when they were last looked at. */
  #own: readonly string[] = [];
  /** Whether any of them is in a ServiceCIDR: if it is a Service's, that can change with the Services. */
  #isWithin = false;
  /** What the last decision was made from. */
  #facts = '';
  /** Services that something is objected to. */
  readonly #objected = new Set<string>();
  #unusedCidrs: ReadonlyMap<string, string> = new Map();

  constructor(options: AddressGuardOptions) {
    this.#options = options;
    this.#readAddresses = options.readAddresses ?? (() => FAMILIES.flatMap(ownAddresses));
  }

  /** To be called once all objects are known: decides and reports from now on. */
  begin(): void {
    this.#hasBegun = true;
    this.#own = this.#readAddresses();
    this.decide();
  }

  /** Takes in changed Services, or Services whose slices changed. */
  servicesChanged(keys: readonly string[]): void {
    if (!this.#hasBegun) return;
    for (const key of keys) this.#report(key);
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

  /** Decides anew: the Node, the ServiceCIDRs or the API server's endpoints have changed. */
  decide(): void {
    if (!this.#hasBegun) return;
    const { cluster, args, onRedecided } = this.#options;
    const apiServers = this.#apiServers();
    const podNetworks = [...new Set([...args.podCidrs.values(), ...(cluster.node?.podCidrs ?? [])])];
    const fromNode = cluster.node?.addresses ?? [];
    const nodeAddresses = [...new Set([...fromNode, ...this.#notServices(this.#own)])];
    const taken = { nodeAddresses, apiServers: apiServers.keys(), podNetworks };
    const { networks, unused } = useOfServiceCidrs(cluster.serviceCidrsByName, taken);
    this.#reportCidrs(unused);
    const facts = JSON.stringify([
      [...apiServers].map(([address, ports]) => [address, ...ports]),
      podNetworks,
      networks,
      nodeAddresses,
    ]);
    if (facts === this.#facts) return;
    this.#facts = facts;
    const isOtherNetworks = networks.join() !== cluster.usedServiceCidrs?.join();
    cluster.usedServiceCidrs = networks;
    cluster.reserved = {
      protection: args.protectAddresses,
      apiServers,
      isPodAddress: networkTester(podNetworks),
      isServiceAddress: networkTester(networks),
      nodeAddresses: new Set(nodeAddresses),
    };
    onRedecided?.({ networks: isOtherNetworks, services: this.#reportAll() });
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
   * The addresses of the interfaces without ClusterIPs: a node-local DNS cache has its Service's there, and kube-proxy's ipvs
   * mode has all of them.
   */
  #notServices(own: readonly string[]): readonly string[] {
    const { cluster } = this.#options;
    const within = new Set(own.filter(networkTester(cluster.serviceCidrs)));
    this.#isWithin = within.size > 0;
    if (!this.#isWithin) return own;
    const clusterIps = new Set([...cluster.serviceKeys()].flatMap((key) => cluster.service(key)?.clusterIps ?? []));
    return own.filter((address) => !within.has(address) || !clusterIps.has(address));
  }

  /** Reports of all Services with external addresses; returns those that this can give or take some. */
  #reportAll(): readonly string[] {
    const { cluster, args } = this.#options;
    const keys = [...cluster.serviceKeys()].filter((key) => hasExternal(cluster.service(key)));
    for (const key of keys) this.#report(key);
    return args.protectAddresses === 'enforce' ? keys : [];
  }

  #report(key: string): void {
    const { cluster, shortfalls } = this.#options;
    const service = cluster.service(key);
    if (!hasExternal(service) && !this.#objected.has(key)) return;
    const objections = service === undefined ? [] : objectionsOf(service, cluster.reserved);
    if (objections.length > 0) this.#objected.add(key);
    else if (!this.#objected.delete(key)) return;
    for (const [reason, message] of objectionMessages(objections))
      shortfalls.report({ kind: 'Service', key }, reason, message, REPORTER);
  }

  #reportCidrs(unused: ReadonlyMap<string, string>): void {
    const { shortfalls } = this.#options;
    for (const key of this.#unusedCidrs.keys()) {
      if (!unused.has(key)) shortfalls.report({ kind: 'ServiceCIDR', key }, 'service-cidr', undefined, REPORTER);
    }
    for (const [key, why] of unused) {
      if (why === this.#unusedCidrs.get(key)) continue;
      shortfalls.report({ kind: 'ServiceCIDR', key }, 'service-cidr', `${why}: ${SERVICE_CIDR_ADVICE}`, REPORTER);
    }
    this.#unusedCidrs = unused;
  }
}

function hasExternal(service: Service | undefined): boolean {
  return service !== undefined && (service.externalIps.length > 0 || service.loadBalancerIps.length > 0);
}
