import { FAMILY_NAMES, type Family, familyOf, networkTester } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service, ServicePortSpec } from '../objects/service.ts';
import type { Frontend } from '../service/frontend.ts';
import { localhostNodePortsOf } from '../service/localhost-node-ports.ts';
import type { Fate, Trace } from '../trace/trace-packet.ts';
import { byFrontendAlone } from './by-frontend-alone.ts';
import { haveWeights } from './endpoint-weights.ts';
import { noEndpoint, type Reason, whereElse } from './no-endpoint.ts';
import { limitsText } from './service-rows.ts';
import { count, listed } from './words.ts';
import { zoneShareText } from './zone-share-text.ts';

/** What happens to new connections, in one word. */
export type ConnectionFate = 'served' | 'refused' | 'dropped' | 'untouched';

/** What an operator learns about a connection. */
export interface ConnectionVerdict {
  readonly fate: ConnectionFate;
  /** The fate and its reason: "dropped: externalTrafficPolicy Local, and its 2 endpoints are on node other". */
  readonly text: string;
  /** What to do if it should be different; absent if nothing is known. */
  readonly remedy?: string;
}

/** What is known about a connection's destination, besides the trace. */
export interface VerdictFacts {
  readonly family: Family;
  /** Who answers at this address and port; undefined: no Service. */
  readonly frontend: Frontend | undefined;
  /** The Service of the frontend, and its slices. */
  readonly service: Service | undefined;
  readonly slices: readonly EndpointSlice[];
  /** If no Service answers: those that claim this address, or this port as a node port. */
  readonly claimants: readonly Service[];
  /** True if the destination is one of the node's addresses. */
  readonly isOwn: boolean;
  /** Networks that node ports are served on. */
  readonly nodePortNetworks: readonly string[];
  /** Networks that may use node ports, besides this node (--node-port-source-ranges); undefined: everybody may. */
  readonly nodePortClients?: readonly string[] | undefined;
  /** True if a listener of the daemon serves node ports on loopback, over TCP. */
  readonly servesLocalhost: boolean;
  /** The shortfalls of the Services involved. */
  readonly shortfalls: readonly string[];
}

/** The worst fate comes first. */
export const FATES: readonly ConnectionFate[] = ['dropped', 'refused', 'untouched', 'served'];

const FATE_OF: Readonly<Record<Fate['fate'], ConnectionFate>> = {
  dropped: 'dropped',
  rejected: 'refused',
  untouched: 'untouched',
  translated: 'served',
};

/** Explains a trace to an operator. If there are several fates, it reports the worst. */
export function connectionVerdict(trace: Trace, facts: VerdictFacts): ConnectionVerdict {
  const listener = servedByListener(trace, facts);
  if (listener !== undefined) return { fate: 'served', text: listener };
  const fates = new Set(trace.outcomes.map(({ fate }) => FATE_OF[fate]));
  const fate = FATES.find((one) => fates.has(one)) ?? 'untouched';
  const { reason, remedy } = reasonOf(fate, trace, facts);
  const [shortfall] = facts.shortfalls;
  // If a Service answers, other shortfalls of it are not the reason.
  const isTheReason = facts.frontend === undefined && shortfall !== undefined;
  const why = isTheReason ? `${reason}; ${shortfall}` : reason;
  const told = remedy ?? (fate === 'served' ? shortfall : undefined);
  return { fate, text: fate === 'served' ? why : `${fate}: ${why}`, ...(told !== undefined && { remedy: told }) };
}

function reasonOf(fate: ConnectionFate, trace: Trace, facts: VerdictFacts): Reason {
  const { frontend, service } = facts;
  if (fate === 'served') return { reason: servedBy(trace, frontend) };
  const port = frontend && service?.ports.find((one) => isPortOf(one, frontend));
  if (frontend !== undefined && service === undefined) return withoutService(fate, trace, { ...facts, frontend });
  if (frontend === undefined || service === undefined || port === undefined) return withoutFrontend(fate, trace, facts);
  if (fate === 'refused') return frontend.hasUsableEndpoints ? REFUSED_ON_LOOPBACK : noEndpoint(service, port, facts);
  if (fate === 'untouched') return notServedHere(trace, facts);
  const { kind, policy, localEndpoints } = frontend;
  const notAdmitted = sourceNotAdmitted(trace, frontend, facts);
  if (notAdmitted !== undefined) return notAdmitted;
  const elsewhere = whereElse(port, facts.family, facts.slices);
  if (policy === 'local' && (kind === 'cluster-ip' || localEndpoints.length === 0)) {
    const field = kind === 'cluster-ip' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
    return {
      reason: `${field} Local, and ${elsewhere}`,
      remedy: `connect to a node that has one, or set ${field}: Cluster`,
    };
  }
  return { reason: elsewhere };
}

/** The objects behind the rules are unknown. */
function withoutService(
  fate: Exclude<ConnectionFate, 'served'>,
  trace: Trace,
  facts: VerdictFacts & { readonly frontend: Frontend },
): Reason {
  if (fate === 'untouched') return notServedHere(trace, facts);
  if (fate === 'refused' && facts.frontend.hasUsableEndpoints) return REFUSED_ON_LOOPBACK;
  return sourceNotAdmitted(trace, facts.frontend, facts) ?? byFrontendAlone(fate, facts.frontend);
}

function sourceNotAdmitted(
  { packet: { source, own } }: Trace,
  { kind, sourceRanges }: Frontend,
  { nodePortClients }: Pick<VerdictFacts, 'nodePortClients'>,
): Reason | undefined {
  if (kind === 'node-port' && own.includes(source)) return undefined;
  if (kind === 'node-port' && nodePortClients !== undefined && !isInAny(source, nodePortClients)) {
    return {
      reason: `${source} is in none of the networks that may use node ports: ${listed(nodePortClients)}`,
      remedy: 'see --node-port-source-ranges; use --from ADDRESS for another client',
    };
  }
  if (sourceRanges.length === 0 || isInAny(source, sourceRanges)) return undefined;
  const ranges =
    sourceRanges.length === 1 ? 'not in its source range' : `in none of its ${sourceRanges.length} source ranges`;
  return {
    reason: `${source} is ${ranges} (loadBalancerSourceRanges): ${listed(sourceRanges)}`,
    remedy: 'use --from ADDRESS for another client',
  };
}

/** "served by one of 3 endpoints, which see the client's address". */
function servedBy({ outcomes }: Trace, frontend: Frontend | undefined): string {
  const led = outcomes.filter((outcome) => outcome.fate === 'translated');
  const endpoints = new Set(led.map(({ endpoint }) => endpoint));
  const [first] = endpoints;
  const isByWeight = frontend !== undefined && [frontend.endpoints, frontend.localEndpoints].some(haveWeights);
  const by = endpoints.size === 1 ? first : `one of ${endpoints.size} endpoints${isByWeight ? ' by weight' : ''}`;
  const hidden = led.filter(({ sourceNat }) => sourceNat).length;
  const isMixed = hidden > 0 && hidden < led.length;
  const who = isMixed ? `of which ${hidden}` : 'which';
  const sees = (isMixed ? hidden : endpoints.size) === 1 ? 'sees' : 'see';
  const whose = hidden === 0 ? "the client's address" : "the node's address instead of the client's";
  const more = `${affinityOf(frontend)}${limitedTo(frontend)}${zonesOf(frontend)}${unreachableOf(frontend)}`;
  return `served by ${by}, ${who} ${sees} ${whose}${more}`;
}

function zonesOf(frontend: Frontend | undefined): string {
  return frontend?.zoneShare === undefined ? '' : `; ${zoneShareText(frontend.zoneShare)}`;
}

/** "; not used: 2 endpoints on nodes that are not Ready (node-b)". */
function unreachableOf(frontend: Frontend | undefined): string {
  const { unreachable = [], endpoints = [] } = frontend ?? {};
  const [first] = unreachable;
  if (first === undefined) return '';
  const nodes = [...new Set(unreachable.map(({ node }) => node))].toSorted();
  const which = `${count(unreachable.length, 'endpoint')} on nodes that are not Ready (${listed(nodes)})`;
  const isUsed = endpoints.some(({ address, port }) => address === first.address && port === first.port);
  return isUsed ? `; there are only ${which}` : `; not used: ${which}`;
}

function affinityOf(frontend: Frontend | undefined): string {
  const { affinitySeconds, affinityByHash = false, hashing } = frontend ?? {};
  if (hashing !== undefined) return `; ${HASHED[hashing.by]} the endpoint (lb-algorithm ${hashing.by}-hash)`;
  if (affinitySeconds === undefined) return '';
  return affinityByHash
    ? "; the client's address selects the endpoint (sessionAffinity ClientIP)"
    : `; a client stays with its endpoint for ${affinitySeconds} s (sessionAffinity ClientIP)`;
}

const HASHED = {
  client: "the client's address selects",
  connection: "the connection's addresses and source port select",
} as const;

/** What a trace cannot know: how much of a limit is used up. */
function limitedTo(frontend: Frontend | undefined): string {
  const limits = frontend === undefined ? '' : limitsText(frontend);
  return limits === '' ? '' : `; may be refused: at most ${limits}`;
}

/** The rules have no such frontend. */
function withoutFrontend(fate: ConnectionFate, trace: Trace, facts: VerdictFacts): Reason {
  const { destination, protocol, port } = trace.packet;
  const isClaimed = ({ ports }: Service) =>
    ports.some((one) => one.protocol === protocol && (one.port === port || (facts.isOwn && one.nodePort === port)));
  // Nearly all ports of the node's own addresses belong to no Service.
  const [claimant] = facts.isOwn ? facts.claimants.filter(isClaimed) : facts.claimants;
  if (port === undefined) {
    if (fate === 'untouched') return { reason: `${protocol} is not a protocol of Services` };
    return { reason: `${destination} is a ClusterIP, which answers only on its Service's ports, and not to ping` };
  }
  if (claimant === undefined) {
    if (fate === 'dropped') return { reason: `${destination} is in the ServiceCIDR, but no Service has it` };
    return { reason: facts.isOwn ? `no Service has node port ${port}/${protocol}` : `no Service has ${destination}` };
  }
  const key = `${claimant.namespace}/${claimant.name}`;
  if (isClaimed(claimant)) {
    const hasFamily = claimant.clusterIps.some((ip) => familyOf(ip) === facts.family);
    if (!hasFamily) return { reason: `Service ${key} has no ${FAMILY_NAMES[facts.family]} ClusterIP` };
    return { reason: `Service ${key} claims it, but is not served there` };
  }
  const ports = claimant.ports.map((one) => `${one.port}/${one.protocol}${one.name === '' ? '' : ` (${one.name})`}`);
  return { reason: `Service ${key} has no port ${port}/${protocol}: it has ${listed(ports)}` };
}

/** Rules do not serve node ports on loopback (KEP-6032). */
function servedByListener({ packet }: Trace, { frontend, servesLocalhost, family }: VerdictFacts): string | undefined {
  if (!servesLocalhost || frontend === undefined) return undefined;
  const [{ endpoints } = { endpoints: [] }] = localhostNodePortsOf([frontend]);
  if (endpoints.length === 0) return undefined;
  if (!isInAny(packet.destination, LOOPBACK[family])) return undefined;
  return `served by kube-proxy-nft's own listener on loopback, which connects to ${count(endpoints.length, 'endpoint')}`;
}

/** A node port in the rules, at an address where they do not serve it. */
function notServedHere({ packet }: Trace, { nodePortNetworks, family, servesLocalhost }: VerdictFacts): Reason {
  const networks = nodePortNetworks.map((network) => network.replace(family === 'ip' ? /\/32$/ : /\/128$/, ''));
  if (isInAny(packet.destination, LOOPBACK[family])) {
    if (servesLocalhost) return { reason: 'the listener on loopback has no endpoint that it may use' };
    return {
      reason: 'node ports are not served on loopback',
      remedy: '--nodeport-addresses with localhost serves them there, over TCP',
    };
  }
  return {
    reason: `node ports are served on ${networks.length === 0 ? 'no address' : `${listed(networks)} only`}`,
    remedy: 'see --nodeport-addresses',
  };
}

/** Nothing else is refused if it has endpoints (see LOCALHOST_REFUSED). */
const REFUSED_ON_LOOPBACK: Reason = { reason: 'node ports are served on loopback over TCP only' };

const LOOPBACK = { ip: ['127.0.0.0/8'], ip6: ['::1/128'] } as const;

function isPortOf(one: ServicePortSpec, { kind, protocol, port }: Frontend): boolean {
  return one.protocol === protocol && (kind === 'node-port' ? one.nodePort : one.port) === port;
}

function isInAny(address: string, networks: readonly string[]): boolean {
  return networkTester(networks)(address);
}
