import type { Family } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import { DEFAULT_WEIGHT } from '../objects/slice-options.ts';
import {
  type Candidate,
  candidateSteps,
  ENTRIES_OF_STEP,
  type PortGroup,
  type PortId,
  type PortSource,
  portKey,
  sourceSteps,
} from './candidates.ts';
import { sortedSteps } from './sorted-steps.ts';
import { atOnce, type Steps } from './steps.ts';
import { isAvoided, type NodePlace, preferHinted, reachable } from './topology.ts';
import { type UnknownZones, type ZoneShare, type ZoneSpillOver, zoneShareSteps } from './zone-spill-over.ts';

/** A possible destination of connections to a ServicePort. */
export interface Endpoint {
  /** Canonical, of the frontend's family. */
  readonly address: string;
  readonly port: number;
  /** False only if it is known to run on another node. An endpoint without a node may be here. */
  readonly maybeLocal: boolean;
  /**
   * Its weight in a draw, at least 1; absent: 1. The weights of a list have no common divisor, and include slow start; see
   * weights.ts.
   */
  readonly weight?: number;
  /** How far slow start has progressed, 1 to SLOW_START_STEPS - 1; absent: it has its full share. */
  readonly slowStart?: number;
}

/** An endpoint on a node that is not Ready, which policy Cluster uses only if there are no others. */
export interface UnreachableEndpoint {
  readonly address: string;
  readonly port: number;
  /** The node's name. */
  readonly node: string;
}

/** The endpoints of a ServicePort, by who may use them. */
export interface EndpointChoice {
  /**
   * For policy Cluster: the ready ones (those hinted for this node or its zone, if hints apply), otherwise the terminating
   * ones.
   */
  readonly cluster: readonly Endpoint[];
  /** For policy Local: the ready ones on this node, otherwise those that terminate. Hints do not apply. */
  readonly local: readonly Endpoint[];
  /**
   * Whether any node has one that is ready, or serves while it terminates. This decides between drop and reject if there is
   * none to use here.
   */
  readonly hasUsableEndpoints: boolean;
  /** Endpoints on nodes that are not Ready, which policy Cluster would use otherwise; absent if there are none. */
  readonly unreachable?: readonly UnreachableEndpoint[];
  /** If policy Cluster selects by zone: how many of the endpoints are in this zone, or why it does not. */
  readonly zoneShare?: ZoneShare | UnknownZones;
}

const NONE: readonly never[] = [];
const NO_CHOICE: EndpointChoice = { cluster: NONE, local: NONE, hasUsableEndpoints: false };

/**
 * Selects the endpoints of a ServicePort like kube-proxy: ready ones, or if there are none, those that still serve while
 * they terminate (KEP-1669), for each policy separately. For policy Cluster, endpoints on nodes to avoid come after all
 * others, including terminating ones. If the zone of this node is known, `zoneSpillOver` selects among the ready ones for
 * policy Cluster, and replaces hints. Each list is sorted by address and port, without duplicates: of several entries for
 * the same address and port, one that is not terminating wins. The order of the slices makes no difference.
 */
export function chooseEndpoints(
  slices: readonly EndpointSlice[],
  port: PortId,
  family: Family,
  node: NodePlace,
  zoneSpillOver?: ZoneSpillOver,
): EndpointChoice {
  return atOnce(choiceSteps(slices, [port], family, node, zoneSpillOver))[0] ?? NO_CHOICE;
}

/**
 * The same for each port of a Service, in steps. Slices with the same ports are processed once for all of these ports, whose
 * entries differ only in the port number.
 */
export function* choiceSteps(
  slices: readonly EndpointSlice[],
  ports: readonly PortId[],
  family: Family,
  node: NodePlace,
  zoneSpillOver?: ZoneSpillOver,
): Steps<readonly EndpointChoice[]> {
  const choose = function* (all: Steps<readonly Candidate[]>): Steps<Chosen> {
    return yield* chooseFrom(yield* all, node, zoneSpillOver);
  };
  const sources = yield* sourceSteps(slices);
  const known = new Map<PortGroup, Chosen>();
  const choices: EndpointChoice[] = [];
  for (const port of ports) {
    const own = sources.get(portKey(port)) ?? [];
    const [source] = own;
    if (source === undefined) {
      choices.push(NO_CHOICE);
    } else if (own.length === 1) {
      const chosen = known.get(source.group) ?? (yield* choose(sortedCandidates(own, family)));
      known.set(source.group, chosen);
      choices.push(yield* withPort(chosen, source.port, node));
    } else {
      choices.push(yield* withPort(yield* choose(sortedCandidates(own, family)), undefined, node));
    }
    yield;
  }
  return choices;
}

/** Sorted by address and port. */
function* sortedCandidates(sources: readonly PortSource[], family: Family): Steps<readonly Candidate[]> {
  const candidates = yield* candidateSteps(sources, family);
  return yield* sortedSteps(candidates, (a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
}

/** Like EndpointChoice. */
interface Chosen {
  readonly cluster: readonly Candidate[];
  readonly local: readonly Candidate[];
  readonly hasUsableEndpoints: boolean;
  readonly unreachable: readonly Candidate[];
  readonly zoneShare?: ZoneShare | UnknownZones | undefined;
}

function* chooseFrom(
  all: readonly Candidate[],
  node: NodePlace,
  zoneSpillOver: ZoneSpillOver | undefined,
): Steps<Chosen> {
  const isLocal = ({ entry }: Candidate) => entry.nodeName !== '' && entry.nodeName === node.name;
  const isTerminating = ({ entry }: Candidate) => entry.serving && entry.terminating;
  const ready = all.filter(({ entry }) => entry.ready);
  const terminating = ready.length === all.length ? [] : all.filter(isTerminating);
  const readyHere = ready.filter(isLocal);
  const { endpoints: cluster, share: zoneShare } = yield* forCluster(ready, terminating, node, zoneSpillOver);
  return {
    cluster,
    zoneShare,
    local: undrained(readyHere.length > 0 ? readyHere : terminating.filter(isLocal)),
    hasUsableEndpoints: ready.length > 0 || terminating.length > 0,
    unreachable: node.avoided?.size ? (ready.length > 0 ? ready : terminating).filter(isAvoided(node)) : NONE,
  };
}

/**
 * The endpoints whose weight is not 0, to which new connections go. If all weights are 0, all of them: no worse than without
 * weights.
 */
function undrained(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.every(({ weight }) => weight > 0)) return candidates;
  const kept = candidates.filter(({ weight }) => weight > 0);
  return kept.length > 0 ? kept : candidates;
}

function* forCluster(
  ready: readonly Candidate[],
  terminating: readonly Candidate[],
  node: NodePlace,
  zoneSpillOver: ZoneSpillOver | undefined,
): Steps<{ readonly endpoints: readonly Candidate[]; readonly share?: ZoneShare | UnknownZones }> {
  const reached = reachable(ready, node);
  const ending = reached.length > 0 ? [] : reachable(terminating, node);
  if (ending.length > 0) return { endpoints: undrained(ending) };
  const usable = undrained(reached.length > 0 ? reached : ready);
  if (usable.length === 0) return { endpoints: undrained(terminating) };
  if (zoneSpillOver !== undefined) {
    const { endpoints = preferHinted(usable, node), share } = yield* zoneShareSteps(usable, node, zoneSpillOver);
    return { endpoints, share };
  }
  return { endpoints: preferHinted(usable, node) };
}

/** The selected endpoints with a port number; undefined: each with its own. */
function* withPort(
  { cluster, local, hasUsableEndpoints, unreachable, zoneShare }: Chosen,
  port: number | undefined,
  node: NodePlace,
): Steps<EndpointChoice> {
  const endpoints: Endpoint[][] = [];
  for (const candidates of [cluster, local]) {
    const list: Endpoint[] = [];
    for (const { entry, port: own, weight } of candidates) {
      const { address, nodeName } = entry;
      const endpoint = { address, port: port ?? own, maybeLocal: nodeName === '' || nodeName === node.name };
      list.push(weight > DEFAULT_WEIGHT ? { ...endpoint, weight } : endpoint);
      if (list.length % ENTRIES_OF_STEP === 0) yield;
    }
    endpoints.push(list);
  }
  const choice = {
    cluster: endpoints[0] ?? [],
    local: endpoints[1] ?? [],
    hasUsableEndpoints,
    ...(zoneShare && { zoneShare }),
  };
  if (unreachable.length === 0) return choice;
  const onNodes = unreachable.map(({ entry, port: own }) => {
    return { address: entry.address, port: port ?? own, node: entry.nodeName };
  });
  return { ...choice, unreachable: onNodes };
}
