import { isIPv4 } from 'node:net';
import type { EndpointSlice, SliceEndpoint } from '../../../src/objects/endpoint-slice.ts';
import type { Service, ServicePortSpec } from '../../../src/objects/service.ts';
import { THIS_NODE, type Version } from '../runner/cast.ts';

/** Somewhere that connections to a port of a Service may end. */
export interface Candidate {
  readonly entry: SliceEndpoint;
  readonly number: number;
  readonly weight: number;
}

/** Each address and port once: of several entries the one that is not terminating, then a ready one, then a serving one; the rest by text. */
export function candidates(
  service: Service,
  port: ServicePortSpec,
  version: Version,
  slices: readonly EndpointSlice[],
): readonly Candidate[] {
  const all = slices
    .filter(({ serviceName }) => serviceName === service.name)
    .flatMap(({ ports, endpoints, options }) =>
      ports
        .filter(({ name, protocol }) => name === port.name && protocol === port.protocol)
        .flatMap(({ port: number }) =>
          endpoints.map((entry): Candidate => ({ entry, number, weight: options?.weight ?? 1 })),
        ),
    )
    .filter(({ entry }) => isIPv4(entry.address) === (version === 'ip4'));
  const best = new Map<string, Candidate>();
  const rank = ({ entry }: Candidate) =>
    `${entry.terminating} ${!entry.ready} ${!entry.serving} ${entry.nodeName} ${entry.zoneHints} ${entry.nodeHints} ${entry.zone ?? ''}`;
  for (const candidate of all) {
    const key = `${candidate.entry.address} ${candidate.number}`;
    const rival = best.get(key);
    const isEqual = rival !== undefined && rank(candidate) === rank(rival);
    const comesFirst =
      rival === undefined || (isEqual ? candidate.weight > rival.weight : rank(candidate) < rank(rival));
    if (comesFirst) best.set(key, candidate);
  }
  return [...best.values()];
}

/** New connections go to those with a weight, if there are any. */
export function withWeight(all: readonly Candidate[]): readonly Candidate[] {
  const some = all.filter(({ weight }) => weight > 0);
  return some.length > 0 ? some : all;
}

export const isHere = ({ entry }: Candidate) => entry.nodeName === THIS_NODE;

/** zone-spill-over: all of the own zone, and of others so many as are missing to the share; else by hints. */
export function near(ready: readonly Candidate[], service: Service, zone: string): readonly Candidate[] {
  const percent = service.options?.zoneSpillOver;
  if (percent === undefined || zone === '' || !ready.some(({ entry }) => entry.zone)) return preferred(ready, zone);
  const own = ready.filter(({ entry }) => entry.zone === zone);
  if (own.length === 0) return ready;
  // By the node's hash of the address (the zone's, where all nodes have the same table); of one address with several ports
  // by these, as texts.
  const chooser = hashedBy(service) === undefined ? THIS_NODE : zone;
  const places = new Map(ready.map((one) => [one, fnvAndMurmur(`${chooser} ${one.entry.address}`)]));
  const others = ready
    .filter((one) => !own.includes(one))
    .sort((a, b) => (`${a.entry.address} ${a.number}` < `${b.entry.address} ${b.number}` ? -1 : 1))
    .sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
  let taken = 0;
  while ((own.length + taken) * 100 < ready.length * percent) taken++;
  return [...own, ...others.slice(0, taken)];
}

/** What chooses endpoints in place of a draw. Connections that are spread would break what session affinity promises. */
export function hashedBy({ options, affinitySeconds }: Service): 'client' | 'connection' | undefined {
  if (options?.lbAlgorithm === 'client-hash') return 'client';
  return options?.lbAlgorithm === 'connection-hash' && affinitySeconds === undefined ? 'connection' : undefined;
}

/** FNV-1a of 32 bits, finished as MurmurHash3 does. */
function fnvAndMurmur(text: string): number {
  const [prime, mask] = [16_777_619n, 0xffff_ffffn];
  let hash = 2_166_136_261n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * prime) & mask;
  hash = ((hash ^ (hash >> 16n)) * 0x85eb_ca6bn) & mask;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2_ae35n) & mask;
  return Number(hash ^ (hash >> 16n));
}

/** Topology hints: those for this node, or else for its zone, if all ready endpoints have hints of the kind. */
function preferred(ready: readonly Candidate[], zone: string): readonly Candidate[] {
  for (const [hintsOf, name] of [
    [({ entry }: Candidate) => entry.nodeHints, THIS_NODE],
    [({ entry }: Candidate) => entry.zoneHints, zone],
  ] as const) {
    const mine = ready.filter((candidate) => name !== '' && hintsOf(candidate)?.includes(name));
    if (mine.length > 0 && ready.every((candidate) => hintsOf(candidate) !== undefined)) return mine;
  }
  return ready;
}
