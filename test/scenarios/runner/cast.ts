import { CLIENT, NODE, NODE_TO_PODS, NODE_TO_REMOTE } from '../../netns/topology.ts';

/** Who plays in the scenarios, by name; each has an address in both families. topology.ts has the stage. */

/** A namespace of the world: `pod` is the pod with a namespace of its own. */
export type Place = 'client' | 'node' | 'pods' | 'pod' | 'remote';

export type Version = 'ip4' | 'ip6';

interface Role {
  readonly ip4: string;
  readonly ip6: string;
}

interface Actor extends Role {
  readonly place: Place;
}

/** Name of this node's Node object, and of the other one's. */
export const THIS_NODE = 'node-a';
export const OTHER_NODE = 'node-b';

const here = (n: number): Actor => ({ ip4: `10.32.0.${n}`, ip6: `fd00:32::${n}`, place: 'pods' });
const there = (n: number): Actor => ({ ip4: `10.33.0.${n}`, ip6: `fd00:33::${n}`, place: 'remote' });

/** A pod of this node; it can be a client and an endpoint, even its own. */
const POD: Actor = { ip4: '10.32.7.1', ip6: 'fd00:32::701', place: 'pod' };

/**
 * Those who connect. A neighbour is another pod of this node, a remote pod one of the other node: the world cannot send
 * their own address to endpoints in their own namespace, so they meet `pod`, or endpoints of the other node.
 */
export const CLIENTS = {
  outside: { ...CLIENT, place: 'client' },
  stranger: { ip4: '198.18.0.9', ip6: '2001:db8:18::9', place: 'client' },
  pod: POD,
  neighbour: here(99),
  'remote-pod': there(99),
  /** A process of the node itself, or of a pod in its network namespace. */
  node: { ...NODE, place: 'node' },
} as const satisfies Record<string, Actor>;

/** Those who answer, on ports 8080 and 8081. */
export const ENDPOINTS = {
  pod: POD,
  here: here(21),
  'here-2': here(22),
  'here-3': here(23),
  there: there(21),
  'there-2': there(22),
  'there-3': there(23),
  /** Pods in the network namespace of this node, and of the other. */
  host: { ...NODE, place: 'node' },
  'other-host': { ip4: '198.51.100.2', ip6: '2001:db8:3::2', place: 'remote' },
} as const satisfies Record<string, Actor>;

const clusterIp = (n: number): Role => ({ ip4: `10.96.0.${n}`, ip6: `fd00:96::${n}` });
const publicIp = (n: number): Role => ({ ip4: `203.0.113.${n}`, ip6: `2001:db8:113::${n}` });

/** Addresses of this node beside its first one: `lb-ip-here` is a load balancer's address that it has on `lo`. */
const OWN = {
  'second-ip': NODE_TO_REMOTE,
  'pods-gateway': NODE_TO_PODS,
  'lb-ip-here': publicIp(21),
  loopback: { ip4: '127.0.0.1', ip6: '::1' },
} as const satisfies Record<string, Role>;

/** Where connections are addressed to. All but those of the node are nobody's: what is left untouched leaves the node. */
export const TARGETS = {
  'cluster-ip': clusterIp(10),
  'cluster-ip-2': clusterIp(20),
  'cluster-ip-3': clusterIp(30),
  /** In the ServiceCIDR, but no Service's. */
  'unallocated-ip': clusterIp(99),
  'external-ip': publicIp(1),
  'external-ip-2': publicIp(2),
  'lb-ip': publicIp(11),
  'lb-ip-2': publicIp(12),
  node: NODE,
  ...OWN,
} as const satisfies Record<string, Role>;

export type Client = keyof typeof CLIENTS;
export type EndpointName = keyof typeof ENDPOINTS;
export type Target = keyof typeof TARGETS;

/** Every address `fib … type local` finds on the node. */
export const OWN_TARGETS: readonly Target[] = ['node', 'second-ip', 'pods-gateway', 'lb-ip-here', 'loopback'];

/** The address a client's packets have before anybody changes it. On the node the kernel's routes decide. */
export function sourceOf(client: Client, target: Target, version: Version): string {
  return client === 'node' && OWN_TARGETS.includes(target) ? TARGETS[target][version] : CLIENTS[client][version];
}

/** The node's address on the link to a place: what masqueraded connections come from there. On the node itself, any of its own. */
export function masqueradeSources(place: Place, version: Version): readonly string[] {
  const facing = { client: NODE, pods: NODE_TO_PODS, pod: NODE_TO_PODS, remote: NODE_TO_REMOTE };
  return place === 'node' ? OWN_TARGETS.map((name) => TARGETS[name][version]) : [facing[place][version]];
}

/** The node's interface that a place's packets come in over. */
export const INTERFACES: Readonly<Record<Exclude<Place, 'node'>, string>> = {
  client: 'eth0',
  pods: 'pods',
  pod: 'pod0',
  remote: 'remote',
};

/** The endpoint with an address, if there is one. */
export function endpointAt(address: string, version: Version): EndpointName | undefined {
  const names = Object.keys(ENDPOINTS) as EndpointName[];
  return names.find((name) => ENDPOINTS[name][version] === address);
}
