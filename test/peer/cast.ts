import {
  CLIENTS as SCENARIO_CLIENTS,
  ENDPOINTS as SCENARIO_ENDPOINTS,
  TARGETS,
  type Version,
} from '../scenarios/runner/cast.ts';

/** Who plays in the comparison: the cast of the scenarios, a second pod with a namespace of its own, and a pod of the host's network. */

export type Place = 'client' | 'node' | 'pods' | 'pod' | 'second-pod' | 'remote';

export const PLACES: readonly Place[] = ['client', 'node', 'pods', 'pod', 'second-pod', 'remote'];

interface Actor {
  readonly ip4: string;
  readonly ip6: string;
  readonly place: Place;
}

export const SECOND_POD: Actor = { ip4: '10.32.7.2', ip6: 'fd00:32::702', place: 'second-pod' };

export const ENDPOINTS = { ...SCENARIO_ENDPOINTS, 'second-pod': SECOND_POD } as const satisfies Record<string, Actor>;

export type EndpointName = keyof typeof ENDPOINTS;

export const CLIENTS = {
  ...SCENARIO_CLIENTS,
  'second-pod': SECOND_POD,
  /** A process with an address of its own choice, as a pod in the host's network may have. */
  'host-pod': SCENARIO_CLIENTS.node,
} as const satisfies Record<string, Actor>;

export type Client = keyof typeof CLIENTS;

/** The first of many addresses that a place has: clients that session affinity has not seen. The rest of a place's own address stays. */
const MANY_SOURCES: Partial<Record<Client, Readonly<Record<Version, (n: number) => string>>>> = {
  stranger: { ip4: (n) => `198.18.${16 + (n >> 8)}.${n & 255}`, ip6: (n) => `2001:db8:18::1:${n.toString(16)}` },
  neighbour: { ip4: (n) => `10.32.${16 + (n >> 8)}.${n & 255}`, ip6: (n) => `fd00:32::1:${n.toString(16)}` },
  'remote-pod': { ip4: (n) => `10.33.${16 + (n >> 8)}.${n & 255}`, ip6: (n) => `fd00:33::1:${n.toString(16)}` },
};

/** The `n`th of a client's further addresses (from 0, below 32,768); undefined for clients that have one only. */
export function manySources(client: Client, version: Version, n: number): string | undefined {
  return MANY_SOURCES[client]?.[version](n);
}

/** The address a client binds to; undefined where the kernel chooses. */
export function boundSource(client: Client, version: Version): string | undefined {
  return client === 'node' ? undefined : CLIENTS[client][version];
}

/** Addresses of the node that node ports may be served on. Only the node itself reaches loopback. */
export const OWN_ADDRESSES = ['node', 'second-ip', 'pods-gateway', 'lb-ip-here', 'loopback'] as const;

export function isLoopback(address: string): boolean {
  return address === TARGETS.loopback.ip4 || address === TARGETS.loopback.ip6;
}

/** Whether the node has an address: what it sends there, it sends from there. */
export function isOwnAddress(address: string): boolean {
  return OWN_ADDRESSES.some((name) => TARGETS[name].ip4 === address || TARGETS[name].ip6 === address);
}

/** ClusterIPs: a Service's by its number, in one of three variants. */
export function clusterIpOf(service: number, variant: number): Readonly<Record<Version, string>> {
  const n = 10 + service + 40 * variant;
  return { ip4: `10.96.0.${n}`, ip6: `fd00:96::${n}` };
}

export { TARGETS, type Version };
