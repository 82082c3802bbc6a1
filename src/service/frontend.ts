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

/** What an address, protocol and port of a Service is for its clients. */
export type FrontendKind = 'cluster-ip' | ExternalKind | 'node-port';

/** An address, protocol and port at which a Service is reachable, and its endpoints. */
export interface Frontend {
  readonly family: Family;
  readonly kind: FrontendKind;
  /** Empty for a node port: the node's own addresses. */
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** "namespace/name:port name", or "namespace/name" for the unnamed port. */
  readonly servicePort: string;
  /** The traffic policy for it: internalTrafficPolicy for a ClusterIP, externalTrafficPolicy for all others. */
  readonly policy: 'cluster' | 'local';
  /** The endpoints for policy Cluster; under policy Local, those for clients on this node. Sorted, without duplicates. */
  readonly endpoints: readonly Endpoint[];
  /** The endpoints for policy Local; empty under policy Cluster. */
  readonly localEndpoints: readonly Endpoint[];
  /** Whether any node has a usable endpoint. If not, connections are rejected. If so, but not here, they are dropped. */
  readonly hasUsableEndpoints: boolean;
  /** Who may connect to a load balancer's address or a node port, as networks that do not overlap; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** Seconds a client stays with its endpoint (sessionAffinity ClientIP); absent without affinity. */
  readonly affinitySeconds?: number;
  /** True if it has too many endpoints for lists of clients, so a client's address selects its endpoint. */
  readonly affinityByHash?: boolean;
  /** Endpoints on nodes that are not Ready, which are used only if there are no others. Absent if there are none. */
  readonly unreachable?: readonly UnreachableEndpoint[];
  /**
   * How a hash of each connection selects its endpoint (lb-algorithm); absent: there is no hash. Only without session
   * affinity.
   */
  readonly hashing?: Hashing;
  /** How its endpoints are selected by zone (zone-spill-over), or why they are not; absent if this was not requested. */
  readonly zoneShare?: ZoneShare | UnknownZones;
  /** New connections that a client may have in a second; absent: any number. */
  readonly limitPerSecond?: number;
  /** Connections that an endpoint may have open; absent: any number. */
  readonly maxConnections?: number;
}

const NONE: readonly never[] = [];
const NO_STARTS: SlowStarts = new Map();
const NO_CHOICE: EndpointChoice = { cluster: NONE, local: NONE, hasUsableEndpoints: false };

/** The frontends of a Service, within a budget. */
export interface BoundedFrontends {
  readonly frontends: readonly Frontend[];
  /** The maximum number of their elements. */
  readonly elements: number;
  /** How many of these are slots that only make weights exact (weights.ts); absent without weights. */
  readonly spare?: number;
  /** What is left out; absent if nothing is. */
  readonly cut?: Cut;
}

export const NO_FRONTENDS: BoundedFrontends = { frontends: NONE, elements: 0 };

/** The point of view from which the cluster is seen. */
export interface Viewpoint {
  readonly nodeName: string;
  /** Undefined until the source delivers it. */
  readonly node: Node | undefined;
  /** Nodes whose endpoints are to be used only if there are no others. */
  readonly avoidedNodes?: ReadonlySet<string> | undefined;
  /** Which addresses Services may not have. Default: those that no Service can have. */
  readonly reserved?: ReservedAddresses;
  /** Whether loadBalancerSourceRanges also apply to node ports, unless a Service says otherwise. Default: no. */
  readonly sourceRangesOnNodePorts?: boolean;
  /** Whether node ports are closed to everybody outside some networks. Default: no. */
  readonly closesNodePorts?: boolean;
  /** Whether annotations of Cilium also apply. Default: no. */
  readonly readsCilium?: boolean;
}

/** The part of it that decides where traffic goes. */
export function placeOf({ nodeName, node, avoidedNodes }: Viewpoint): NodePlace {
  return { name: nodeName, zone: node?.zone ?? '', avoided: avoidedNodes };
}

/** Identifies a frontend; unique in a family's ruleset. */
export function frontendKey(frontend: Pick<Frontend, 'address' | 'protocol' | 'port'>): string {
  return joined(' ', frontend.address, frontend.protocol, frontend.port);
}

/** An estimate of a frontend's elements, at least one. */
export function slotsOf({ endpoints, localEndpoints, hashing }: Frontend): number {
  const [all, here] = [hashing?.table ?? endpoints, hashing?.localTable ?? localEndpoints];
  return 1 + all.length + here.length;
}

/**
 * The frontends of one Service in one family. There are none for Services that kube-proxy ignores, too: of another proxy
 * (label service.kubernetes.io/service-proxy-name), ExternalName, headless, or without a ClusterIP of the family. If ports
 * repeat a protocol and number, which the API forbids, the first one counts. If an address is both an external IP and a load
 * balancer's IP, it is the latter, with its source ranges. There is none for an address that is refused (objectionTo).
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
 * The same with at most `budget` elements (service-budget.ts), and whether that leaves something out. The result depends
 * only on the objects, not on their order.
 */
export function frontendsWithin(...args: Parameters<typeof frontendSteps>): BoundedFrontends {
  return atOnce(frontendSteps(...args));
}

/**
 * The same in steps, some for each port, which take a few milliseconds for a port with thousands of endpoints. `mostSpare`:
 * how many elements may be used to make weights exact.
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
  function* granted(kind: ExternalKind, requested: readonly string[]): Steps<readonly string[]> {
    if (requested.length === 0) return NONE;
    return yield* mapInSteps(requested, (ip) =>
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
  // If not all endpoints fit, each node has its own selection. Hash tables, however, are the same on nodes with one budget.
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
 * The cost of a port's frontends. `further`: the number of source ranges of each address besides the ClusterIP.
 * `onNodePort`: that of its node port; undefined if there is none.
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
  // A chain for each endpoint, which is created once.
  const own = options?.maxConnections === undefined ? 0 : ENDPOINT_CHAIN;
  const restricted = [...further, onNodePort ?? 0];
  const outside = further.length + Number(hasNodePort);
  return {
    choice,
    // A node port has each endpoint once more, for source NAT. All frontends share the chain of an endpoint.
    clusterWeight: Number(!internalLocal) + outside + Number(hasNodePort) + own,
    localWeight: Number(internalLocal) + (externalLocal ? outside : 0),
    clusterSlots: Number(!internalLocal) + outside,
    // The ClusterIP and its verdict; for other addresses a verdict and source NAT, and with policy Local one for each kind
    // of client; for a node port, refusal on loopback instead of source NAT (which is counted for each endpoint), and that
    // it is closed.
    fixed:
      2 +
      outside * (externalLocal ? 4 : 2) +
      closed +
      (options?.limitPerSecond === undefined ? 0 : LIMIT_ELEMENTS) +
      restricted.reduce((all, ranges) => all + (ranges > 0 ? ranges + 1 : 0), 0),
  };
}

/** The endpoints of each port with their weights, within `room` elements. */
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

/** `chooser`: see ZoneSpillOver. With a hash table it is the zone, so that all nodes in a zone have the same table. */
function spillOverOf({ options }: Service, chooser: string): ZoneSpillOver | undefined {
  return options?.zoneSpillOver === undefined ? undefined : { percent: options.zoneSpillOver, chooser };
}

/** The cost of a chain with two rules, and of a limit, whose set can have many clients. */
const ENDPOINT_CHAIN = 10;
const LIMIT_ELEMENTS = 250;

const NO_LIMITS = {};

/** The limits from annotations. A hash table leads directly to endpoints, not to chains of theirs that could count. */
function limitsOf({ options }: Service, by: HashBy | undefined): Pick<Frontend, 'limitPerSecond' | 'maxConnections'> {
  const { limitPerSecond } = options ?? {};
  const maxConnections = by === undefined ? options?.maxConnections : undefined;
  if (limitPerSecond === undefined && maxConnections === undefined) return NO_LIMITS;
  return {
    ...(limitPerSecond !== undefined && { limitPerSecond }),
    ...(maxConnections !== undefined && { maxConnections }),
  };
}

/** The key of the Service ("namespace/name") that a frontend belongs to. */
export function serviceKeyOf({ servicePort }: Pick<Frontend, 'servicePort'>): string {
  return servicePort.split(':')[0] ?? '';
}

function servicePortName({ namespace, name }: Service, port: string): string {
  return joined('', namespace, '/', name, port === '' ? '' : ':', port);
}

/**
 * The Service's source ranges of a family. If this node is among them, the load balancer's addresses are added: a node that
 * has such an address itself connects from it. If there are only ranges of the other family, this one is open to all.
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

/**
 * The Service's source ranges of a family, if they also apply to its node ports. If there are only ranges of the other
 * family, node ports are open to all.
 */
function* nodePortRangeSteps(service: Service, family: Family, from: Viewpoint): Steps<readonly string[]> {
  const { sourceRanges, options } = service;
  if (sourceRanges.length === 0) return NONE;
  if (!(options?.sourceRangesOnNodePorts ?? from.sourceRangesOnNodePorts)) return NONE;
  return (yield* sourceRangeSteps(sourceRanges, family)).cidrs;
}
