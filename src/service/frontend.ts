import { addressBits, type Family, familyOf } from '../ip.ts';
import { joined, packed } from '../objects/compact.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Node } from '../objects/node.ts';
import type { Protocol } from '../objects/protocol.ts';
import type { Service } from '../objects/service.ts';
import { withCiliumWeights } from './cilium-weights.ts';
import { choiceSteps, type Endpoint, type EndpointChoice, type UnreachableEndpoint } from './endpoints.ts';
import { type HashBy, SLOTS_EACH } from './hash-table.ts';
import { type Hashing, hashingSteps, tableDemandOf, withoutSlots } from './hashing.ts';
import { hashByOf } from './lb-algorithm.ts';
import { type ExternalKind, NOTHING_RESERVED, objectionTo, type ReservedAddresses } from './reserved-addresses.ts';
import {
  type Cut,
  endpointLimitSteps,
  limited,
  type PortDemand,
  roomForFrontends,
  slicesWithin,
} from './service-budget.ts';
import { sourceRangeSteps } from './source-ranges.ts';
import { atOnce, endsStep, mapInSteps, type Steps } from './steps.ts';
import { type TableLimit, tableLimit } from './table-budget.ts';
import type { NodePlace } from './topology.ts';
import { type SlowStarts, type Weighed, weighSteps } from './weights.ts';
import type { UnknownZones, ZoneShare, ZoneSpillOver } from './zone-spill-over.ts';

/** What an address, protocol and port that a Service answers on is to clients. */
export type FrontendKind = 'cluster-ip' | ExternalKind | 'node-port';

/** An address, protocol and port that a Service answers on, and the endpoints behind it. */
export interface Frontend {
  readonly family: Family;
  readonly kind: FrontendKind;
  /** Empty for a node port: the node's own addresses. */
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** "namespace/name:port name", or "namespace/name" for the unnamed port. */
  readonly servicePort: string;
  /** The traffic policy that applies here: internalTrafficPolicy for a ClusterIP, externalTrafficPolicy for all others. */
  readonly policy: 'cluster' | 'local';
  /** What policy Cluster draws from; under policy Local the choice of clients on this node. Sorted, without duplicates. */
  readonly endpoints: readonly Endpoint[];
  /** What policy Local draws from; empty under policy Cluster. */
  readonly localEndpoints: readonly Endpoint[];
  /** Whether any node has a usable endpoint: if not, connections are rejected; if so, but not here, dropped. */
  readonly hasUsableEndpoints: boolean;
  /** Who may connect to a load balancer's address or a node port, as disjoint networks; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** Seconds a client stays with its endpoint (sessionAffinity ClientIP); absent without affinity. */
  readonly affinitySeconds?: number;
  /** True if it has too many endpoints for lists of their clients: a client's address chooses its endpoint. */
  readonly affinityByHash?: boolean;
  /** Endpoints on nodes that are not Ready: used only where there are no others. Absent if there are none. */
  readonly unreachable?: readonly UnreachableEndpoint[];
  /** How a hash of each connection chooses its endpoint (lb-algorithm); absent: it does not. Without session affinity. */
  readonly hashing?: Hashing;
  /** How its endpoints are chosen by zone (zone-spill-over), or why they are not; absent where nobody asks for it. */
  readonly zoneShare?: ZoneShare | UnknownZones;
  /** New connections that a client may have in a second; absent: any number. */
  readonly limitPerSecond?: number;
  /** Connections that an endpoint may have open; absent: any number. */
  readonly maxConnections?: number;
}

const NONE: readonly never[] = [];
const NO_STARTS: SlowStarts = new Map();
const NO_CHOICE: EndpointChoice = { cluster: NONE, local: NONE, hasUsableEndpoints: false };

/** The frontends of a Service within a budget. */
export interface BoundedFrontends {
  readonly frontends: readonly Frontend[];
  /** How many elements they take, at most. */
  readonly elements: number;
  /** How many of these are slots that only make weights exact (weights.ts); absent without weights. */
  readonly spare?: number;
  /** What is left out; absent if nothing is. */
  readonly cut?: Cut;
}

export const NO_FRONTENDS: BoundedFrontends = { frontends: NONE, elements: 0 };

/** Where a cluster is seen from. */
export interface Viewpoint {
  readonly nodeName: string;
  /** Undefined until the source has it. */
  readonly node: Node | undefined;
  /** Nodes whose endpoints are to be used only where there are no others. */
  readonly avoidedNodes?: ReadonlySet<string> | undefined;
  /** Which addresses are not for Services to ask for. Default: those that are nobody's. */
  readonly reserved?: ReservedAddresses;
  /** Whether loadBalancerSourceRanges hold for node ports, too, unless a Service has it otherwise. Default: they do not. */
  readonly sourceRangesOnNodePorts?: boolean;
  /** Whether node ports are closed to all but some networks. Default: they are not. */
  readonly closesNodePorts?: boolean;
  /** Whether annotations of Cilium count, too. Default: they do not. */
  readonly readsCilium?: boolean;
}

/** What of it decides where traffic goes. */
export function placeOf({ nodeName, node, avoidedNodes }: Viewpoint): NodePlace {
  return { name: nodeName, zone: node?.zone ?? '', avoided: avoidedNodes };
}

/** What a frontend's packets are told apart by; unique in a family's ruleset. */
export function frontendKey(frontend: Pick<Frontend, 'address' | 'protocol' | 'port'>): string {
  return joined(' ', frontend.address, frontend.protocol, frontend.port);
}

/** About how many elements a frontend has: one at least. */
export function slotsOf({ endpoints, localEndpoints, hashing }: Frontend): number {
  const [all, here] = [hashing?.table ?? endpoints, hashing?.localTable ?? localEndpoints];
  return 1 + all.length + here.length;
}

/**
 * The frontends of one Service in one family. None for the Services kube-proxy ignores too: of another proxy
 * (label service.kubernetes.io/service-proxy-name), ExternalName, headless, or without a ClusterIP of the family.
 * Of ports that repeat a protocol and number, which the API forbids, the first counts; of an address that is both
 * external IP and load balancer's IP, the latter, with its source ranges. None for an address that is refused
 * (objectionTo).
 */
export function frontendsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  family: Family,
  from: Viewpoint,
): readonly Frontend[] {
  return frontendsWithin(service, slices, family, from, Number.POSITIVE_INFINITY).frontends;
}

/**
 * The same, with no more than `budget` elements (service-budget.ts), and whether that leaves something out. Always the same
 * of the same objects, in whatever order they came.
 */
export function frontendsWithin(...args: Parameters<typeof frontendSteps>): BoundedFrontends {
  return atOnce(frontendSteps(...args));
}

/**
 * The same in steps, some for each port, which take a few milliseconds where it has thousands of endpoints. `mostSpare`: so many
 * elements may make weights exact.
 */
export function* frontendSteps(
  service: Service,
  all: readonly EndpointSlice[],
  family: Family,
  from: Viewpoint,
  budget: number,
  starts: SlowStarts = NO_STARTS,
  mostSpare = Number.POSITIVE_INFINITY,
): Steps<BoundedFrontends> {
  const clusterIp = service.clusterIps.find((address) => familyOf(address) === family);
  if (clusterIp === undefined || service.otherProxy || service.type === 'ExternalName') return NO_FRONTENDS;
  const { reserved = NOTHING_RESERVED } = from;
  function* granted(kind: ExternalKind, asked: readonly string[]): Steps<readonly string[]> {
    if (asked.length === 0) return NONE;
    return yield* mapInSteps(asked, (ip) =>
      familyOf(ip) === family && objectionTo(kind, ip, service, reserved)?.isRefused !== true ? ip : undefined,
    );
  }
  const loadBalancerIps = yield* granted('load-balancer-ip', service.loadBalancerIps);
  const sourceRanges = yield* allowedSourceSteps(service, loadBalancerIps, family, from.node);
  const addresses: readonly (readonly [FrontendKind, string])[] = [
    ['cluster-ip', clusterIp],
    ...loadBalancerIps.map((ip) => ['load-balancer-ip', ip] as const),
    ...(yield* granted('external-ip', service.externalIps)).map((ip) => ['external-ip', ip] as const),
  ];
  const rangesOf = (kind: FrontendKind) => (kind === 'load-balancer-ip' ? sourceRanges.length : 0);
  const further = addresses.slice(1).map(([kind]) => rangesOf(kind));
  const nodePortRanges = yield* nodePortRangeSteps(service, family, from);
  const room = roomForFrontends(service.ports, further, budget, nodePortRanges.length);
  const ports = service.ports.slice(0, room.ports);
  const served = addresses.slice(0, room.addresses + 1);
  const place = placeOf(from);
  const by = hashByOf(service, from.readsCilium);
  // Each node has a choice of its own where not all endpoints fit; but tables are the same on all.
  const chooser = by === undefined ? place : { ...place, name: '' };
  const weighedByAll = from.readsCilium ? withCiliumWeights(all) : all;
  const { slices, isCut: hasFewerEndpoints } = slicesWithin(weighedByAll, ports, family, chooser, budget);
  const zoneSpillOver = spillOverOf(service, by === undefined ? place.name : place.zone);
  const choices = yield* choiceSteps(slices, ports, family, place, zoneSpillOver);
  const demands = choices.map((choice, i) =>
    demandOf(service, choice, further.slice(0, room.addresses), ports[i]?.nodePort && nodePortRanges.length, from),
  );
  const { limit, elements, slotsEach }: Partial<TableLimit> & { readonly elements: number } =
    by === undefined ? yield* endpointLimitSteps(demands, budget) : tableLimit(demands.map(tableDemandOf), budget);
  const allowed: PortDemand[] = [];
  for (const demand of demands) {
    const fewer = limit === undefined ? demand : { ...demand, choice: limited(demand.choice, limit, chooser.name) };
    allowed.push(by === undefined ? fewer : withoutSlots(fewer));
    if (limit !== undefined) yield;
  }
  const isWeighed = starts.size > 0 || slices.some(({ options }) => options?.weight !== undefined);
  const spareRoom = Math.min(budget - elements, mostSpare);
  const weighed = isWeighed ? yield* weighedChoiceSteps(allowed, starts, spareRoom) : undefined;
  const limits = limitsOf(service, by);
  const frontends = new Map<string, Frontend>();
  for (const [i, spec] of ports.entries()) {
    const { protocol } = spec;
    const servicePort = servicePortName(service, spec.name);
    const choice = weighed?.choices[i] ?? allowed[i]?.choice ?? NO_CHOICE;
    const hashed = by && (yield* hashingSteps(by, choice, service, slotsEach));
    const add = (kind: FrontendKind, address: string, port: number) => {
      const key = frontendKey({ address, protocol, port });
      if (frontends.has(key)) return;
      const local = kind === 'cluster-ip' ? service.internalLocal : service.externalLocal;
      const drawsLocal = local && kind === 'cluster-ip';
      frontends.set(key, {
        family,
        kind,
        address,
        protocol,
        port,
        servicePort,
        policy: local ? 'local' : 'cluster',
        endpoints: drawsLocal ? choice.local : choice.cluster,
        localEndpoints: local ? choice.local : NONE,
        hasUsableEndpoints: choice.hasUsableEndpoints,
        sourceRanges: kind === 'load-balancer-ip' ? sourceRanges : kind === 'node-port' ? nodePortRanges : NONE,
        ...(hashed !== undefined && { hashing: drawsLocal ? hashed.here : hashed.all }),
        ...(service.affinitySeconds !== undefined && by === undefined && { affinitySeconds: service.affinitySeconds }),
        ...(choice.unreachable && !drawsLocal && { unreachable: choice.unreachable }),
        ...(choice.zoneShare && !drawsLocal && { zoneShare: choice.zoneShare }),
        ...limits,
      });
    };
    let place = 0;
    for (const [kind, address] of served) {
      add(kind, address, spec.port);
      if (endsStep(place++)) yield;
    }
    if (spec.nodePort !== undefined) add('node-port', '', spec.nodePort);
    yield;
  }
  const cut = {
    endpoints: hasFewerEndpoints || limit !== undefined,
    frontends: ports.length < service.ports.length || served.length < addresses.length,
    ...(weighed?.isCut && { weights: true }),
    ...(slotsEach !== undefined && slotsEach < SLOTS_EACH && { slotsEach }),
  };
  const isCut = cut.endpoints || cut.frontends || cut.weights || cut.slotsEach !== undefined;
  return {
    frontends: packed([...frontends.values()]),
    elements: elements + (weighed?.elements ?? 0),
    ...(weighed && { spare: weighed.elements }),
    ...(isCut && { cut }),
  };
}

/**
 * What a port's frontends take. `further`: how many source ranges each address besides the ClusterIP has; `onNodePort`: those
 * of its node port, undefined without one.
 */
function demandOf(
  { internalLocal, externalLocal, options }: Service,
  choice: EndpointChoice,
  further: readonly number[],
  onNodePort: number | undefined,
  from: Viewpoint,
): PortDemand {
  const hasNodePort = onNodePort !== undefined;
  const closed = Number(hasNodePort && from.closesNodePorts === true);
  // A chain of its own, which is made once.
  const own = options?.maxConnections === undefined ? 0 : ENDPOINT_CHAIN;
  const restricted = [...further, onNodePort ?? 0];
  const outside = further.length + Number(hasNodePort);
  return {
    choice,
    // A node port has each endpoint once more, for source NAT.
    // The chain of an endpoint is that of all frontends.
    clusterWeight: Number(!internalLocal) + outside + Number(hasNodePort) + own,
    localWeight: Number(internalLocal) + (externalLocal ? outside : 0),
    clusterSlots: Number(!internalLocal) + outside,
    // The ClusterIP and its verdict; of the others a verdict and source NAT, and with policy Local one for each sort of
    // clients; of a node port, refusal on loopback instead of source NAT, which is counted by endpoint, and that it is closed.
    fixed:
      2 +
      outside * (externalLocal ? 4 : 2) +
      closed +
      (options?.limitPerSecond === undefined ? 0 : LIMIT_ELEMENTS) +
      restricted.reduce((all, ranges) => all + (ranges > 0 ? ranges + 1 : 0), 0),
  };
}

/** The endpoints of each port with what they count for, within `room` elements. */
function* weighedChoiceSteps(
  demands: readonly PortDemand[],
  starts: SlowStarts,
  room: number,
): Steps<Omit<Weighed, 'pools'> & { readonly choices: readonly EndpointChoice[] }> {
  const pools = demands.flatMap(({ choice, clusterSlots, localWeight }) => [
    { endpoints: choice.cluster, slotWeight: clusterSlots },
    { endpoints: choice.local, slotWeight: localWeight },
  ]);
  const { pools: weighed, elements, isCut } = yield* weighSteps(pools, starts, room);
  const choices = demands.map(({ choice }, i) => {
    const [cluster = NONE, local = NONE] = weighed.slice(2 * i);
    return { ...choice, cluster, local };
  });
  return { choices, elements, isCut };
}

/** `chooser`: see ZoneSpillOver. With a table of hashes it is the zone, so that all nodes of a zone have the same one. */
function spillOverOf({ options }: Service, chooser: string): ZoneSpillOver | undefined {
  return options?.zoneSpillOver === undefined ? undefined : { percent: options.zoneSpillOver, chooser };
}

/** What a chain with two rules counts as, and what a limit does: its set can have many clients. */
const ENDPOINT_CHAIN = 10;
const LIMIT_ELEMENTS = 250;

const NO_LIMITS = {};

/** What annotations allow. A table of a hash leads to endpoints, and to no chains of theirs that could count. */
function limitsOf({ options }: Service, by: HashBy | undefined): Pick<Frontend, 'limitPerSecond' | 'maxConnections'> {
  const { limitPerSecond } = options ?? {};
  const maxConnections = by === undefined ? options?.maxConnections : undefined;
  if (limitPerSecond === undefined && maxConnections === undefined) return NO_LIMITS;
  return {
    ...(limitPerSecond !== undefined && { limitPerSecond }),
    ...(maxConnections !== undefined && { maxConnections }),
  };
}

/** The key of the Service ("namespace/name") that a frontend is of. */
export function serviceKeyOf({ servicePort }: Pick<Frontend, 'servicePort'>): string {
  return servicePort.split(':')[0] ?? '';
}

function servicePortName({ namespace, name }: Service, port: string): string {
  return joined('', namespace, '/', name, port === '' ? '' : ':', port);
}

/**
 * The Service's source ranges of a family; if this node may connect, also the load balancer's addresses: a node that has
 * such an address itself connects to it from there. Ranges of the other family only leave this one open to all.
 */
function* allowedSourceSteps(
  { sourceRanges }: Service,
  loadBalancerIps: readonly string[],
  family: Family,
  node: Node | undefined,
): Steps<readonly string[]> {
  if (sourceRanges.length === 0) return NONE;
  const { cidrs, includes } = yield* sourceRangeSteps(sourceRanges, family);
  if (!(node?.addresses ?? []).some(includes)) return cidrs;
  const own = yield* mapInSteps(loadBalancerIps, (ip) => (includes(ip) ? undefined : `${ip}/${addressBits(family)}`));
  return [...cidrs, ...new Set(own)];
}

/** The Service's source ranges of a family where they hold for its node ports, too. Those of the other family leave them open. */
function* nodePortRangeSteps(service: Service, family: Family, from: Viewpoint): Steps<readonly string[]> {
  const { sourceRanges, options } = service;
  if (sourceRanges.length === 0) return NONE;
  if (!(options?.sourceRangesOnNodePorts ?? from.sourceRangesOnNodePorts)) return NONE;
  return (yield* sourceRangeSteps(sourceRanges, family)).cidrs;
}
