import type { Family } from '../ip.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort } from '../objects/endpoint-slice.ts';
import type { ServicePortSpec } from '../objects/service.ts';
import { DEFAULT_WEIGHT } from '../objects/slice-options.ts';
import type { Steps } from './steps.ts';

/** Identifies a port of a Service. */
export type PortId = Pick<ServicePortSpec, 'name' | 'protocol'>;

/** The maximum number of slice entries in one step. */
export const ENTRIES_OF_STEP = 4096;

/**
 * How many lists of ports distinguish groups of slices. Beyond that, each slice is its own group. Nearly all Services have
 * one list.
 */
const MAX_LISTS = 8;

/** Slices with the same ports. */
export interface PortGroup {
  readonly ports: readonly SlicePort[];
  readonly slices: EndpointSlice[];
}

/** Slices that have a port, and its number in them. */
export interface PortSource {
  readonly group: PortGroup;
  readonly port: number;
}

/** For each port (see portKey), the slices that have it. Slices without endpoints are left out. */
export function* sourceSteps(slices: readonly EndpointSlice[]): Steps<ReadonlyMap<string, readonly PortSource[]>> {
  const groups: PortGroup[] = [];
  let left = ENTRIES_OF_STEP;
  for (const slice of slices) {
    if (slice.endpoints.length === 0) continue;
    left -= slice.ports.length + 1;
    if (left <= 0) {
      left = ENTRIES_OF_STEP;
      yield;
    }
    const group = groups.slice(0, MAX_LISTS).find(({ ports }) => areSame(ports, slice.ports));
    if (group === undefined) groups.push({ ports: slice.ports, slices: [slice] });
    else group.slices.push(slice);
  }
  const sources = new Map<string, PortSource[]>();
  for (const group of groups) {
    for (const port of group.ports) {
      if (--left <= 0) {
        left = ENTRIES_OF_STEP;
        yield;
      }
      const key = portKey(port);
      const known = sources.get(key);
      if (known === undefined) sources.set(key, [{ group, port: port.port }]);
      else known.push({ group, port: port.port });
    }
  }
  return sources;
}

function areSame(some: readonly SlicePort[], others: readonly SlicePort[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ name, protocol, port }, i) => {
      const other = others[i];
      return port === other?.port && name === other.name && protocol === other.protocol;
    })
  );
}

/** A text that is the same for a port of a Service and for that port in its slices. */
export function portKey({ name, protocol }: PortId): string {
  return `${protocol} ${name}`;
}

/** The entry of an address and port that applies. */
export interface Candidate {
  readonly key: string;
  readonly entry: SliceEndpoint;
  readonly port: number;
  readonly weight: number;
}

/** The candidates of some sources with an address of the family, one for each address and port, in no order. */
export function* candidateSteps(sources: readonly PortSource[], family: Family): Steps<readonly Candidate[]> {
  const known = new Map<string, Candidate>();
  const isOnePort = sources.length === 1;
  const isIp6 = family === 'ip6';
  let left = ENTRIES_OF_STEP;
  for (const { group, port } of sources) {
    for (const { endpoints, options } of group.slices) {
      const weight = options?.weight ?? DEFAULT_WEIGHT;
      for (const entry of endpoints) {
        if (--left <= 0) {
          left = ENTRIES_OF_STEP;
          yield;
        }
        // For canonical addresses, this is enough.
        if (entry.address.includes(':') !== isIp6) continue;
        const key = isOnePort ? entry.address : `${entry.address} ${port}`;
        const rival = known.get(key);
        if (rival === undefined || comesBefore(entry, weight, rival)) known.set(key, { key, entry, port, weight });
      }
    }
  }
  return [...known.values()];
}

/**
 * Whether the first of two entries for an address and port applies. If they are equal, it is the one with the larger weight.
 */
export function comesBefore(
  a: SliceEndpoint,
  weight: number,
  { entry: b, weight: other }: Pick<Candidate, 'entry' | 'weight'>,
): boolean {
  // Most duplicates are identical.
  const isSame =
    a.terminating === b.terminating &&
    a.ready === b.ready &&
    a.serving === b.serving &&
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.zoneHints === b.zoneHints &&
    a.nodeHints === b.nodeHints;
  if (isSame) return weight > other;
  const [first, second] = [rank(a), rank(b)];
  return first < second || (first === second && weight > other);
}

/**
 * Of two entries for an address and port, the one with the smaller rank applies. kube-proxy takes the slice that comes last.
 * Here the ready one wins, because slices have no order, and the rules must not change at a restart.
 */
function rank({ terminating, ready, serving, nodeName, zone = '', zoneHints, nodeHints }: SliceEndpoint): string {
  return `${Number(terminating)}${Number(!ready)}${Number(!serving)}${nodeName} ${zoneHints} ${nodeHints} ${zone}`;
}
