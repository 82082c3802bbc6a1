import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort } from '../objects/endpoint-slice.ts';
import type { ServicePortSpec } from '../objects/service.ts';
import { ENTRIES_OF_STEP, portKey } from './candidates.ts';
import type { Endpoint, EndpointChoice } from './endpoints.ts';
import { chosen } from './own-share.ts';
import type { Steps } from './steps.ts';
import type { NodePlace } from './topology.ts';

/**
 * Default for the elements that one Service may have in the rules of one family. 10 ports with 5,000 endpoints on a
 * ClusterIP, a load balancer's IP and node ports take 200,000 to 250,000: one in the endpoint map of each of the three, one
 * for source NAT of the node port, and one for hairpins if the endpoint may run on this node.
 */
export const DEFAULT_SERVICE_BUDGET = 300_000;

/**
 * The maximum number of a frontend's elements besides its endpoints: its verdict, the verdicts for the two kinds of clients
 * of policy Local, source NAT (or the ClusterIP itself), refusal on loopback, and what source ranges add.
 */
const FRONTEND_ELEMENTS = 6;

/**
 * The maximum number of elements that an endpoint of a port adds to a frontend: its slots for all and for other clients,
 * source NAT, hairpin.
 */
const ENDPOINT_ELEMENTS = 4;

/** What is left out of a Service that requests more than its budget. */
export interface Cut {
  /** True if its ports do not use all of their endpoints. */
  readonly endpoints: boolean;
  /** True if its weights are less exact than they could be. */
  readonly weights?: boolean;
  /** True if some addresses or ports are not served at all. */
  readonly frontends: boolean;
  /** How many slots the hash tables have for each endpoint, at least, if there are fewer than usual (hash-table.ts). */
  readonly slotsEach?: number;
}

/** Slices, and whether some of their endpoints are left out. */
export interface BoundedSlices {
  readonly slices: readonly EndpointSlice[];
  readonly isCut: boolean;
}

/**
 * How many of its ports, and of its further addresses (besides ClusterIP and node ports), a Service may have, so that each
 * can have at least one endpoint. `ranges`: the number of source ranges of each further address. `nodePortRanges`: that of
 * each node port.
 */
export function roomForFrontends(
  ports: readonly Pick<ServicePortSpec, 'nodePort'>[],
  ranges: readonly number[],
  budget: number,
  nodePortRanges = 0,
): { readonly ports: number; readonly addresses: number } {
  const each = FRONTEND_ELEMENTS + ENDPOINT_ELEMENTS;
  const nodePorts = ports.some(({ nodePort }) => nodePort !== undefined) ? 1 : 0;
  const base = each * (1 + nodePorts) + nodePorts * nodePortRanges;
  let left = budget - ports.length * base;
  if (left < 0) return { ports: Math.floor(budget / base), addresses: 0 };
  for (const [i, count] of ranges.entries()) {
    left -= ports.length * (each + count);
    if (left < 0) return { ports: ports.length, addresses: i };
  }
  return { ports: ports.length, addresses: ranges.length };
}

/** The endpoints of a port, and how many of its frontends draw from which list. */
export interface PortDemand {
  readonly choice: EndpointChoice;
  /** Elements for each endpoint of policy Cluster, and of policy Local. */
  readonly clusterWeight: number;
  readonly localWeight: number;
  /** The slots in clusterWeight, which increase if endpoints have weights. */
  readonly clusterSlots: number;
  /** Elements that do not depend on the endpoints. */
  readonly fixed: number;
}

/**
 * How many endpoints each port may use, so that all together are within the budget: the same number for each, at least one;
 * absent: all. Also returns the maximum number of elements.
 */
export function* endpointLimitSteps(
  demands: readonly PortDemand[],
  budget: number,
): Steps<{ readonly limit?: number; readonly elements: number }> {
  const sizes: { readonly cluster: number; readonly local: number; readonly here: number }[] = [];
  const isDue = everyEntries();
  for (const { choice } of demands) {
    const { cluster, local } = choice;
    sizes.push({ cluster: cluster.length, local: local.length, here: sum(cluster, (each) => Number(each.maybeLocal)) });
    if (isDue(cluster.length)) yield;
  }
  const elements = (limit: number, mostHairpins = Number.POSITIVE_INFINITY) => {
    let hairpins = 0;
    let others = 0;
    for (const [i, { clusterWeight, localWeight, fixed }] of demands.entries()) {
      const { cluster, local, here } = sizes[i] ?? { cluster: 0, local: 0, here: 0 };
      hairpins += Math.min(here, limit) + (localWeight > 0 ? Math.min(local, limit) : 0);
      others += fixed + Math.min(cluster, limit) * clusterWeight + Math.min(local, limit) * localWeight;
    }
    return others + Math.min(hairpins, mostHairpins);
  };
  const most = sizes.reduce((max, { cluster, local }) => Math.max(max, cluster, local), 0);
  if (elements(most) <= budget) return { elements: elements(most) };
  // They are counted exactly only here, because ports share the hairpins of their endpoints.
  const hairpins = yield* countHairpins(demands);
  if (elements(most, hairpins) <= budget) return { elements: elements(most, hairpins) };
  const limit = Math.max(
    1,
    largest(most, (candidate) => elements(candidate, hairpins) <= budget),
  );
  return { limit, elements: elements(limit, hairpins) };
}

/** How many different addresses the endpoints have that may be on this node. */
function* countHairpins(demands: readonly PortDemand[]): Steps<number> {
  const here = new Set<string>();
  const isDue = everyEntries();
  for (const { choice, localWeight } of demands) {
    for (const { address, maybeLocal } of choice.cluster) if (maybeLocal) here.add(address);
    if (localWeight > 0) for (const { address } of choice.local) here.add(address);
    if (isDue(choice.cluster.length)) yield;
  }
  return here.size;
}

/** Tells when a step ends, by the number of entries of ports. */
function everyEntries(): (entries: number) => boolean {
  let count = 0;
  return (entries) => {
    count += entries;
    if (count < ENTRIES_OF_STEP) return false;
    count = 0;
    return true;
  };
}

/** The endpoints of a port that a node uses if it may use this many. */
export function limited(choice: EndpointChoice, limit: number | undefined, nodeName: string): EndpointChoice {
  if (limit === undefined) return choice;
  const cluster = chosen(choice.cluster, limit, nodeName, addressOf);
  return { ...choice, cluster, local: chosen(choice.local, limit, nodeName, addressOf) };
}

/**
 * Slices with so few endpoints that ports and endpoints make at most `budget` pairs of this family. Each pair would become
 * at least one element, so nothing is left out if the budget is kept anyway. This comes before anything is made for a pair:
 * 20 slices with 264 kB in total can stand for 2 million pairs. Usable endpoints are preferred, those on this node first,
 * and those on nodes to avoid last.
 */
export function slicesWithin(
  slices: readonly EndpointSlice[],
  ports: readonly ServicePortSpec[],
  family: Family,
  node: Pick<NodePlace, 'name' | 'avoided'>,
  budget: number,
): BoundedSlices {
  // Nearly all Services end here.
  if (sum(slices, (slice) => slice.ports.length * slice.endpoints.length) <= budget) return { slices, isCut: false };
  // Without a text for each port: slices may have a million ports.
  const known = new Map(ports.map(({ protocol }) => [protocol, new Set<string>()]));
  for (const { protocol, name } of ports) known.get(protocol)?.add(name);
  const isKnown = ({ protocol, name }: SlicePort) => known.get(protocol)?.has(name) === true;
  const sources = slices
    .filter(({ endpoints: [first] }) => first !== undefined && familyOf(first.address) === family)
    .map((slice) => ({ slice, ports: sum(slice.ports, (port) => Number(isKnown(port))) }))
    .filter((source) => source.ports > 0);
  const pairs = (limit: number) => sum(sources, (each) => each.ports * Math.min(each.slice.endpoints.length, limit));
  const most = sources.reduce((max, { slice }) => Math.max(max, slice.endpoints.length), 0);
  if (pairs(most) <= budget) return { slices: sources.map(({ slice }) => slice), isCut: false };
  const limit = Math.max(
    1,
    largest(most, (candidate) => pairs(candidate) <= budget),
  );
  // If there are so many slices that even one endpoint of each is too much, the last ones by name are left out.
  let left = budget;
  const kept = sources
    .toSorted((a, b) => (a.slice.name < b.slice.name ? -1 : 1))
    .filter((each) => {
      left -= each.ports * Math.min(each.slice.endpoints.length, limit);
      return left >= 0;
    });
  return {
    slices: kept.map(({ slice }) => ({ ...slice, endpoints: usable(slice.endpoints, limit, node) })),
    isCut: true,
  };
}

/** For each port, the slices that have it. Searching all slices for each port would take time for every pair. */
export function slicesByPort(
  slices: readonly EndpointSlice[],
  ports: readonly ServicePortSpec[],
): (port: ServicePortSpec) => readonly EndpointSlice[] {
  if (ports.length === 1 || slices.length < 2) return () => slices;
  const byPort = new Map<string, Set<EndpointSlice>>();
  for (const slice of slices) {
    for (const port of slice.ports) {
      const key = portKey(port);
      const known = byPort.get(key);
      if (known === undefined) byPort.set(key, new Set([slice]));
      else known.add(slice);
    }
  }
  return (port) => [...(byPort.get(portKey(port)) ?? [])];
}

const addressOf = ({ address }: Pick<Endpoint, 'address'>) => address;

/** The first `limit` endpoints of a slice in the order of their use for this node; the result is in no particular order. */
function usable(
  endpoints: readonly SliceEndpoint[],
  limit: number,
  node: Pick<NodePlace, 'name' | 'avoided'>,
): readonly SliceEndpoint[] {
  if (endpoints.length <= limit) return endpoints;
  const classes: SliceEndpoint[][] = [[], [], [], [], [], [], []];
  for (const endpoint of endpoints) classes[useOf(endpoint, node)]?.push(endpoint);
  const kept: SliceEndpoint[] = [];
  for (const each of classes) kept.push(...chosen(each, limit - kept.length, node.name, addressOf));
  return kept;
}

function useOf(
  { ready, serving, terminating, nodeName }: SliceEndpoint,
  { name, avoided }: Pick<NodePlace, 'name' | 'avoided'>,
): number {
  if (!ready && !(serving && terminating)) return 6;
  if (avoided?.has(nodeName)) return ready ? 4 : 5;
  const isElsewhere = Number(nodeName === '' || nodeName !== name);
  return ready ? isElsewhere : 2 + isElsewhere;
}

/** The largest number from 0 to `most` that fits. All smaller numbers must fit, too. */
export function largest(most: number, fits: (candidate: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function sum<T>(items: readonly T[], numberOf: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += numberOf(item);
  return total;
}
