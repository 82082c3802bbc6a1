import { ProxyError } from '../../../errors.ts';
import { type Family, familyOf, isLinkLocal, isLoopback, networkTester } from '../../../ip.ts';
import type { Service, ServicePortSpec } from '../../../objects/service.ts';
import type { Cluster } from '../../../service/cluster.ts';
import type { Steps } from '../../../service/steps.ts';
import { listed } from '../../../status/words.ts';
import { didYouMean } from '../../../suggest.ts';
import { SERVICE_PROTOCOLS, type TraceTarget } from './request.ts';

/** The destination of traced connections. */
export interface Destination {
  readonly family: Family;
  readonly address: string;
  readonly protocol: string;
  /** Absent for protocols without ports. */
  readonly port?: number;
}

/** What is needed to interpret a request. */
export interface TargetPlace {
  readonly cluster: Pick<Cluster, 'service' | 'serviceKeys'>;
  readonly families: readonly Family[];
  /** The node's addresses, canonical. */
  readonly own: readonly string[];
  /** The networks that serve node ports, by family. */
  readonly nodePortNetworks: (family: Family) => readonly string[];
}

/** The destinations that a request is about, and the Services that it may be about. */
export interface Understood {
  readonly destinations: readonly Destination[];
  /** The Services that claim one of the addresses or ports of the node, if they were searched for. */
  readonly services: readonly Service[];
}

/** Services that one step looks at. */
const STEP = 500;

/** The largest number of names in which to look for a similar one. */
const SIMILAR = 2_000;

/**
 * The destinations that a request is about: all ports of a Service or an address, or the port that it names.
 * @throws ProxyError E_USAGE for a Service, a port or an address that does not exist
 */
export function* destinationsOf(target: TraceTarget, place: TargetPlace): Steps<Understood> {
  if ('service' in target) {
    const service = serviceOf(target.service, place.cluster);
    const ports = portsOf(service, target.port, target.protocol);
    const destinations = ports.flatMap((port) => waysTo(service, port, target.port, place));
    if (destinations.length === 0) throw notProxied(service, nodePortAddresses(place).length > 0);
    return { destinations, services: [service] };
  }
  const { address, port } = target;
  const protocol = target.protocol ?? (port === undefined ? undefined : 'tcp');
  const addresses = address === '' ? nodePortAddresses(place) : [address];
  if (addresses.length === 0) throw new ProxyError('E_USAGE', 'this node has no address that serves node ports');
  const services = yield* claimantsOf(addresses, place);
  const at = (where: string, of: Omit<Destination, 'family' | 'address'>): readonly Destination[] => {
    const family = familyOf(where);
    return family === undefined ? [] : [{ family, address: where, ...of }];
  };
  if (protocol !== undefined && (port !== undefined || !SERVICE_PROTOCOLS.includes(protocol))) {
    const one = { protocol, ...(port !== undefined && { port }) };
    return { destinations: addresses.flatMap((where) => at(where, one)), services };
  }
  const isWanted = (one: { readonly protocol: string }) => protocol === undefined || one.protocol === protocol;
  const destinations = services.flatMap((service) =>
    service.ports
      .filter(isWanted)
      .flatMap((spec) => addresses.flatMap((where) => at(where, portAt(service, spec, where)).slice(0, 1))),
  );
  const known = new Map(destinations.map((one) => [`${one.address} ${one.protocol} ${one.port}`, one]));
  if (known.size === 0) {
    throw new ProxyError('E_USAGE', `no Service has a port at ${address}: name one, as in ${exampleOf(address)}`);
  }
  return { destinations: [...known.values()], services };
}

function portAt(service: Service, { protocol, port, nodePort }: ServicePortSpec, address: string) {
  const isItsOwn = addressesOf(service).includes(address);
  return { protocol, port: isItsOwn ? port : (nodePort ?? port) };
}

/** The Services that claim one of these addresses. If one is the node's, also the Services that have node ports. */
function* claimantsOf(addresses: readonly string[], { cluster, own }: TargetPlace): Steps<readonly Service[]> {
  const wanted = new Set(addresses);
  const isNode = addresses.some((address) => own.includes(address) || isLoopback(address));
  const found: Service[] = [];
  let looked = 0;
  for (const key of cluster.serviceKeys()) {
    if (++looked % STEP === 0) yield;
    const service = cluster.service(key);
    if (service === undefined) continue;
    const isClaimed = addressesOf(service).some((address) => wanted.has(address));
    if (isClaimed || (isNode && service.ports.some(({ nodePort }) => nodePort !== undefined))) found.push(service);
  }
  return found;
}

function addressesOf({ clusterIps, loadBalancerIps, externalIps }: Service): readonly string[] {
  return [...clusterIps, ...loadBalancerIps, ...externalIps];
}

/** All addresses that lead to a port of a Service. `requested`: the number of a node port selects only the node port. */
function waysTo(
  service: Service,
  { protocol, port, nodePort }: ServicePortSpec,
  requested: string | undefined,
  place: TargetPlace,
): readonly Destination[] {
  const served = place.families.filter((family) => service.clusterIps.some((ip) => familyOf(ip) === family));
  if (service.otherProxy || service.type === 'ExternalName') return [];
  const byNodePort = nodePort !== undefined && requested === `${nodePort}` && requested !== `${port}`;
  const addresses = byNodePort ? [] : [...new Set(addressesOf(service))];
  const atNode = nodePort === undefined ? [] : nodePortAddresses(place);
  const ways = [
    ...addresses.map((address) => ({ address, protocol, port })),
    ...atNode.map((address) => ({ address, protocol, port: nodePort ?? 0 })),
  ];
  return ways.flatMap((way) => {
    const family = familyOf(way.address);
    return family !== undefined && served.includes(family) ? [{ family, ...way }] : [];
  });
}

/** One address of the node for each family, preferably one that serves node ports. */
function nodePortAddresses({ own, families, nodePortNetworks }: TargetPlace): readonly string[] {
  return families.flatMap((family) => {
    const ours = own.filter((address) => familyOf(address) === family && !isLoopback(address) && !isLinkLocal(address));
    return ours.find(networkTester(nodePortNetworks(family))) ?? ours[0] ?? [];
  });
}

function serviceOf(key: string, cluster: TargetPlace['cluster']): Service {
  const service = cluster.service(key);
  if (service !== undefined) return service;
  const keys: string[] = [];
  for (const known of cluster.serviceKeys()) if (keys.push(known) > SIMILAR) break;
  throw new ProxyError('E_USAGE', `there is no Service ${key}${keys.length > SIMILAR ? '' : didYouMean(key, keys)}`);
}

function portsOf({ namespace, name, ports }: Service, port?: string, protocol?: string): readonly ServicePortSpec[] {
  const found = ports.filter(
    (spec) =>
      (port === undefined || [spec.name, `${spec.port}`, `${spec.nodePort}`].includes(port)) &&
      (protocol === undefined || spec.protocol === protocol),
  );
  if (found.length > 0 || ports.length === 0) return found;
  const has = ports.map((spec) => `${spec.name === '' ? '' : `${spec.name} `}${spec.port}/${spec.protocol}`);
  const requested = [...(port === undefined ? [] : [port]), ...(protocol === undefined ? [] : [protocol])].join('/');
  throw new ProxyError('E_USAGE', `Service ${namespace}/${name} has no port ${requested}: it has ${listed(has)}`);
}

/** Why a proxy does not serve a Service. `isReachable`: this machine has an address for node ports. */
function notProxied({ namespace, name, type, otherProxy, clusterIps }: Service, isReachable: boolean): ProxyError {
  const why =
    type === 'ExternalName'
      ? 'is of type ExternalName: DNS resolves it, without a proxy'
      : otherProxy
        ? 'belongs to another proxy (label service.kubernetes.io/service-proxy-name)'
        : clusterIps.length === 0
          ? 'is headless: clients connect to its endpoints themselves'
          : isReachable
            ? 'has no port, or no address of a family that this node has'
            : 'has no port, or only a node port was requested and no interface that is up has an address';
  return new ProxyError('E_USAGE', `nothing to trace: Service ${namespace}/${name} ${why}`);
}

function exampleOf(address: string): string {
  return address.includes(':') ? `[${address}]:80` : `${address}:80`;
}
