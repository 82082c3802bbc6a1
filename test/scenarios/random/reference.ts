import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { parseArguments } from '../../../src/cli/parse-arguments.ts';
import { decodeObject } from '../../../src/objects/decode.ts';
import type { EndpointSlice } from '../../../src/objects/endpoint-slice.ts';
import type { Node } from '../../../src/objects/node.ts';
import type { Service } from '../../../src/objects/service.ts';
import {
  CLIENTS,
  ENDPOINTS,
  endpointAt,
  INTERFACES,
  OWN_TARGETS,
  sourceOf,
  TARGETS,
  type Target,
  THIS_NODE,
  type Version,
} from '../runner/cast.ts';
import type { SourceFate } from '../runner/expectation.ts';
import type { RawObject } from '../runner/objects.ts';
import { type Candidate, candidates, hashedBy, isHere, near, withWeight } from './candidates.ts';
import type { Connection, Destination } from './connections.ts';
import { annotationsOf, requested, weighed } from './requests.ts';

/** What must become of a connection. */
export interface Answer {
  /** "here:8080", or "rejected", "dropped", "untouched" → whom it sees; undefined where nobody sees anything. */
  readonly ends: ReadonlyMap<string, SourceFate | undefined>;
  /** How likely each of them is, before (1/2)^8 that are shared out otherwise; and when no endpoint begins slowly any more. */
  readonly shares: ReadonlyMap<string, number>;
  readonly finalShares: ReadonlyMap<string, number>;
  /** Whether a client stays with its endpoint. */
  readonly sticky: boolean;
  /** Whether the client's address alone decides which one that is. */
  readonly hashed: boolean;
  /** As an expectation has it. */
  readonly refuses?: 'most' | 'some' | undefined;
}

/** The objects of a time, read. */
export interface Known {
  /** Those that are proxied, the older first: of Services to which an address is the same it has it. */
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly node: Node | undefined;
  /** Nodes whose endpoints are used only where there are no others. */
  readonly avoided: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly flags: ReturnType<typeof parseArguments>;
}

/** How many eighths of its share a ready endpoint of a Service has by slow start. */
export type EighthsOf = (service: Service, address: string) => number;

/** Reads objects and flags. Throws for objects that the API would refuse. */
export function known(objects: readonly RawObject[], flags: readonly string[]): Known {
  const args = parseArguments(flags);
  const readsCilium = args.readCiliumAnnotations;
  const services: Service[] = [];
  const slices: [EndpointSlice, ReturnType<typeof annotationsOf>][] = [];
  const serviceCidrs: string[] = [];
  const nodes: Node[] = [];
  for (const raw of objects) {
    const { object } = decodeObject(raw.kind, raw);
    if (object?.kind === 'Service') services.push(withRequests(object, requested(annotationsOf(raw), readsCilium)));
    else if (object?.kind === 'EndpointSlice') slices.push([object, annotationsOf(raw)]);
    else if (object?.kind === 'ServiceCIDR') serviceCidrs.push(...object.cidrs);
    else if (object?.kind === 'Node') nodes.push(object);
    else throw new Error(`${raw.kind} ${raw.metadata.name} cannot be read`);
  }
  const proxied = services.filter(({ otherProxy, type }) => !otherProxy && type !== 'ExternalName');
  proxied.sort((a, b) => (`${a.createdAt} ${a.name}` < `${b.createdAt} ${b.name}` ? -1 : 1));
  const node = nodes.find(({ name }) => name === THIS_NODE);
  const all = { services: proxied, slices: weighed(slices, readsCilium) };
  return { ...all, node, avoided: avoided(nodes, args), serviceCidrs, flags: args };
}

function withRequests({ options: _, ...service }: Service, options: Service['options']): Service {
  return options === undefined ? service : { ...service, options };
}

/** With the flag: nodes that are not Ready, unless these are more than half of all, and more than two. */
function avoided(nodes: readonly Node[], { skipUnreachableNodes }: Known['flags']): readonly string[] {
  const dead = nodes.filter(({ unready }) => unready);
  if (!skipUnreachableNodes || (dead.length > 2 && dead.length > nodes.length / 2)) return [];
  return dead.flatMap(({ name }) => (name === THIS_NODE ? [] : [name]));
}

/** Mostly the one that has node ports by default. */
const nodePortTargets: readonly Target[] = ['node', 'node', 'node', ...OWN_TARGETS];

/** Every address and port that some Service wants. */
export function frontendsOf({ services }: Known): readonly Destination[] {
  const targets = Object.keys(TARGETS) as Target[];
  return services.flatMap((service) =>
    (['ip4', 'ip6'] as const)
      .filter((version) => clusterIp(service, version) !== undefined)
      .flatMap((version) => {
        const addresses = [clusterIp(service, version) ?? '', ...service.externalIps, ...service.loadBalancerIps];
        const named = targets.filter((target) => addresses.includes(TARGETS[target][version]));
        return service.ports.flatMap(({ protocol, port, nodePort }) => [
          ...named.map((target) => ({ target, port, protocol, version })),
          ...(nodePort === undefined
            ? []
            : nodePortTargets.map((target) => ({ target, port: nodePort, protocol, version }))),
        ]);
      }),
  );
}

/**
 * What Kubernetes promises for a connection: read off the objects each time anew, without any of the daemon's own
 * thoughts about frontends, claims, rules and elements.
 */
export function answer(connection: Connection, cluster: Known, eighthsOf: EighthsOf): Answer {
  const { version, client, target } = connection;
  const source = sourceOf(client, target, version);
  const served = serviceFor(connection, cluster);
  if (served === undefined) return unserved(connection, cluster);
  const { service, port, by } = served;
  if (by === 'load balancer' && !mayConnect(source, service, version, cluster)) return only('dropped');
  if (by === 'node port' && client !== 'node' && !mayUseNodePort(source, service, version, cluster))
    return only('dropped');
  const all = candidates(service, port, version, cluster.slices);
  const ready = all.filter(({ entry }) => entry.ready);
  const ending = all.filter(({ entry }) => !entry.ready && entry.serving && entry.terminating);
  const isReached = ({ entry }: Candidate) => !cluster.avoided.includes(entry.nodeName);
  const [reached, reachedEnding] = [ready.filter(isReached), ending.filter(isReached)];
  const best = [reached, reachedEnding, ready, ending].find((list) => list.length > 0) ?? [];
  const weighed = withWeight(best);
  const everybodys =
    best === reachedEnding || best === ending ? weighed : near(weighed, service, cluster.node?.zone ?? '');
  const readyHere = ready.filter(isHere);
  const ownNodes = withWeight(readyHere.length > 0 ? readyHere : ending.filter(isHere));
  const isLocal = by === 'cluster' ? service.internalLocal : service.externalLocal;
  const fromNode = client === 'node';
  const shortcut = by !== 'cluster' && (fromNode || isFromPods(connection, cluster));
  const chosen = isLocal && !shortcut ? ownNodes : everybodys;
  if (chosen.length === 0) {
    if (ready.length + ending.length === 0) return only('rejected');
    // A client that may open no more connections is told so before it is dropped.
    return { ...only('dropped'), refuses: refusals(service) === 'most' ? 'some' : undefined };
  }
  // Source NAT knows a ClusterIP by its address: on ports where it is another Service's external IP, too (docs/compatibility.md).
  const asClusterIp = by !== 'node port' && hasClusterIp(TARGETS[target][version], version, cluster);
  const masquerades = asClusterIp
    ? cluster.flags.masqueradeAll || (tellsPods(version, cluster) && !isFromPods(connection, cluster))
    : // An address of the node in the pods' networks is a pod's first.
      !isLocal || (fromNode && !isFromPods(connection, cluster));
  const endOf = ({ entry: { address }, number }: Candidate) => `${endpointAt(address, version) ?? address}:${number}`;
  const ends = new Map(
    chosen.map((candidate): [string, SourceFate] => {
      const { address } = candidate.entry;
      const name = endpointAt(address, version);
      // What comes to the node itself does not leave it again: there is nothing to send with its address.
      const leaves = fromNode || name === undefined || ENDPOINTS[name].place !== 'node';
      const isMasqueraded = leaves && (masquerades || address === source);
      return [endOf(candidate), isMasqueraded ? 'masqueraded' : 'source kept'];
    }),
  );
  const sharesBy = (partOf: (candidate: Candidate) => number) => {
    const sum = chosen.reduce((all, candidate) => all + partOf(candidate), 0);
    return new Map(chosen.map((candidate) => [endOf(candidate), partOf(candidate) / sum]));
  };
  // Where all have weight 0, none has one.
  const areDrained = chosen.every(({ weight }) => weight === 0);
  const weightOf = ({ weight }: Candidate) => (areDrained ? 1 : weight);
  const hashed = hashedBy(service) === 'client';
  const shares = sharesBy((candidate) => weightOf(candidate) * eighthsOf(service, candidate.entry.address));
  return {
    ends,
    shares,
    finalShares: sharesBy(weightOf),
    sticky: service.affinitySeconds !== undefined && !hashed,
    hashed,
    refuses: refusals(service, Math.min(...shares.values())),
  };
}

/** A limit that a few connections reach; nobody here reaches larger ones. */
const FEW = 9;

/** But where an endpoint is met so seldom, it takes hundreds of connections to meet it: the others may have too many then. */
const SELDOM = 1 / 16;

function refusals({ options = {}, ...service }: Service, leastShare = 1): Answer['refuses'] {
  const { limitPerSecond = FEW + 1, maxConnections } = options;
  if (limitPerSecond <= FEW) return 'most';
  // Beside a table of hashes it counts for nothing.
  if (maxConnections === undefined || hashedBy({ ...service, options }) !== undefined) return undefined;
  return maxConnections <= FEW || leastShare < SELDOM ? 'some' : undefined;
}

const only = (fate: 'rejected' | 'dropped' | 'untouched'): Answer => ({
  ends: new Map([[fate, undefined]]),
  shares: new Map([[fate, 1]]),
  finalShares: new Map([[fate, 1]]),
  sticky: false,
  hashed: false,
});

/** By what it was addressed; of several Services the one it is most to has it, in this order. */
const WAYS = ['cluster', 'load balancer', 'external', 'node port'] as const;
type By = (typeof WAYS)[number];

function serviceFor({ target, port, protocol, version }: Connection, cluster: Known) {
  const destination = TARGETS[target][version];
  for (const by of WAYS.slice(0, 3)) {
    for (const service of cluster.services.filter((one) => clusterIp(one, version) !== undefined)) {
      const spec = service.ports.find((one) => one.protocol === protocol && one.port === port);
      if (spec !== undefined && addressesOf(service, by, version, cluster).includes(destination))
        return { service, port: spec, by };
    }
  }
  if (!OWN_TARGETS.includes(target) || target === 'loopback' || !hasNodePorts(destination, version, cluster)) return;
  return nodePortOwner(protocol, port, version, cluster);
}

function addressesOf(service: Service, by: By, version: Version, { flags }: Known): readonly (string | undefined)[] {
  if (by === 'cluster') return [clusterIp(service, version)];
  if (by === 'load balancer') return service.loadBalancerIps;
  return by === 'external' && flags.configuration.featureGates['AllowServiceExternalIPs'] !== false
    ? service.externalIps
    : [];
}

function nodePortOwner(protocol: string, port: number, version: Version, { services }: Known) {
  for (const service of services.filter((one) => clusterIp(one, version) !== undefined)) {
    const spec = service.ports.find((one) => one.protocol === protocol && one.nodePort === port);
    if (spec !== undefined) return { service, port: spec, by: 'node port' as const };
  }
  return undefined;
}

/** Nobody's port. */
function unserved({ target, port, protocol, version, client }: Connection, cluster: Known): Answer {
  const destination = TARGETS[target][version];
  if (target === 'loopback') {
    // KEP-6032: where the word is, not where all addresses are.
    const isNamed = cluster.flags.nodePortAddresses.includes('localhost');
    const isNodePort = nodePortOwner(protocol, port, version, cluster) !== undefined;
    return only(isNamed && isNodePort && protocol !== 'tcp' ? 'rejected' : 'untouched');
  }
  // What comes to the node itself is nobody else's to refuse.
  if (OWN_TARGETS.includes(target) && client !== 'node') return only('untouched');
  if (hasClusterIp(destination, version, cluster)) return only('rejected');
  return only(cluster.serviceCidrs.some((cidr) => isWithin(destination, cidr)) ? 'dropped' : 'untouched');
}

function clusterIp({ clusterIps }: Service, version: Version): string | undefined {
  return clusterIps.find((address) => isIPv4(address) === (version === 'ip4'));
}

/** A ClusterIP of a Service with ports. */
function hasClusterIp(address: string, version: Version, { services }: Known): boolean {
  return services.some((service) => service.ports.length > 0 && clusterIp(service, version) === address);
}

function hasNodePorts(address: string, version: Version, { flags, node }: Known): boolean {
  const items = flags.nodePortAddresses;
  const isOther = (item: string) => item.includes('/') && (version === 'ip4') === item.includes(':');
  if (items.every(isOther)) return true;
  const primary = node?.addresses.find((one) => isIPv4(one) === (version === 'ip4'));
  return items.some((item) => item === 'all' || (item === 'primary' && address === primary) || isWithin(address, item));
}

/** loadBalancerSourceRanges: the node also from the load balancer's address, if the node may. */
function mayConnect(source: string, service: Service, version: Version, { node }: Known): boolean {
  const ranges = service.sourceRanges.filter((range) => range.includes(':') === (version === 'ip6'));
  if (ranges.length === 0) return true;
  const isAllowed = (address: string) => ranges.some((range) => isWithin(address, range));
  const ownAllowed = (node?.addresses ?? []).some(isAllowed);
  return isAllowed(source) || (ownAllowed && service.loadBalancerIps.includes(source));
}

/** The list for all node ports, and loadBalancerSourceRanges where they hold for them: each has to admit the client. */
function mayUseNodePort(source: string, service: Service, version: Version, { flags }: Known): boolean {
  const { nodePortSourceRanges: list, sourceRangesOnNodePorts: byFlag } = flags;
  if (list.length > 0 && !list.some((range) => isWithin(source, range))) return false;
  const ranges = service.sourceRanges.filter((range) => range.includes(':') === (version === 'ip6'));
  const hold = service.options?.sourceRangesOnNodePorts ?? byFlag;
  return !hold || ranges.length === 0 || ranges.some((range) => isWithin(source, range));
}

/** Whether this node can tell pods from others at all. */
function tellsPods(version: Version, { flags, node }: Known): boolean {
  switch (flags.detectLocal.mode) {
    case 'ClusterCIDR':
      return flags.podCidrs.has(version === 'ip4' ? 'ip' : 'ip6');
    case 'NodeCIDR':
      return (node?.podCidrs ?? []).some((cidr) => cidr.includes(':') === (version === 'ip6'));
    default:
      return true;
  }
}

function isFromPods({ client, target, version }: Connection, { flags, node }: Known): boolean {
  const source = sourceOf(client, target, version);
  const { detectLocal, podCidrs } = flags;
  switch (detectLocal.mode) {
    case 'ClusterCIDR':
      return isWithin(source, podCidrs.get(version === 'ip4' ? 'ip' : 'ip6') ?? '');
    case 'NodeCIDR':
      return (node?.podCidrs ?? []).some((cidr) => isWithin(source, cidr));
    default: {
      const { place } = CLIENTS[client];
      const pattern = detectLocal.pattern.replace('*', '');
      const name = place === 'node' ? '' : INTERFACES[place];
      return detectLocal.pattern.endsWith('*') ? name.startsWith(pattern) : name === pattern;
    }
  }
}

function isWithin(address: string, network: string): boolean {
  if (!network.includes('/') || network.includes(':') !== address.includes(':')) return false;
  const [base, bits] = ipaddr.parseCIDR(network);
  return ipaddr.parse(address).match(base, bits);
}

/**
 * Whether the world can carry a connection, and tell what became of it: not to a pod from another one in its own namespace, with the address that
 * both have there. SCTP is sent raw, which the node's own rules make an error, and seen where it comes in over a wire.
 */
export function isPlayable({ client, protocol }: Connection, { ends, refuses }: Answer): boolean {
  const { place } = CLIENTS[client];
  if (protocol === 'sctp' && refuses !== undefined) return false;
  return [...ends].every(([end, source]) => {
    const name = end.split(':')[0] ?? '';
    if (!(name in ENDPOINTS)) return protocol !== 'sctp' || place !== 'node';
    const there = ENDPOINTS[name as keyof typeof ENDPOINTS].place;
    if (there === 'node') return protocol !== 'sctp';
    return there !== place || source === 'masqueraded';
  });
}
