import { translatedIpv4 } from '../ip.ts';
import type { Service } from '../objects/service.ts';
import { whyUnusable } from './unusable-address.ts';

/** What becomes of external and load balancer IPs that belong to the cluster or the node (--protect-addresses). */
export type Protection = 'off' | 'warn' | 'enforce';

/** The addresses that somebody else has than the Services that ask for them. */
export interface ReservedAddresses {
  readonly protection: Protection;
  /** Address of an API server → its ports. */
  readonly apiServers: ReadonlyMap<string, ReadonlySet<number>>;
  readonly isPodAddress: (address: string) => boolean;
  readonly isServiceAddress: (address: string) => boolean;
  /** This node's own. */
  readonly nodeAddresses: ReadonlySet<string>;
}

/** Where nothing is known of the cluster. What can be no Service's address is refused even then. */
export const NOTHING_RESERVED: ReservedAddresses = {
  protection: 'off',
  apiServers: new Map(),
  isPodAddress: () => false,
  isServiceAddress: () => false,
  nodeAddresses: new Set(),
};

/** The kinds of frontends whose address the API server has not allocated. */
export type ExternalKind = 'external-ip' | 'load-balancer-ip';

/** What speaks against an address that a Service asks for. */
export interface Objection {
  readonly kind: ExternalKind;
  /** Canonical. */
  readonly address: string;
  readonly reason: 'unusable-address' | 'protected-address';
  /** What the address is: "a loopback address", "the API server’s". */
  readonly what: string;
  /** Whether it is not programmed. */
  readonly isRefused: boolean;
}

/** What speaks against one external or load balancer IP of a Service; undefined: nothing. */
export function objectionTo(
  kind: ExternalKind,
  address: string,
  { ports }: Pick<Service, 'ports'>,
  reserved: ReservedAddresses,
): Objection | undefined {
  const unusable = whyUnusable(address);
  if (unusable !== undefined) return { kind, address, reason: 'unusable-address', what: unusable, isRefused: true };
  const { protection } = reserved;
  if (protection === 'off') return undefined;
  const what = ownerOf(kind, translatedIpv4(address) ?? address, ports, reserved);
  if (what === undefined) return undefined;
  return { kind, address, reason: 'protected-address', what, isRefused: protection === 'enforce' };
}

/** All that speaks against the addresses of a Service; nothing if this proxy ignores the Service. */
export function objectionsOf(service: Service, reserved: ReservedAddresses): readonly Objection[] {
  const { otherProxy, type, clusterIps, loadBalancerIps, externalIps } = service;
  if (otherProxy || type === 'ExternalName' || clusterIps.length === 0) return [];
  const to = (kind: ExternalKind) => (address: string) => objectionTo(kind, address, service, reserved) ?? [];
  return [...loadBalancerIps.flatMap(to('load-balancer-ip')), ...externalIps.flatMap(to('external-ip'))];
}

/**
 * Whose an address is (CVE-2020-8554). Of load balancer IPs only the port of an API server is protected, and this node's
 * addresses are not: k3s ServiceLB, MetalLB and kube-vip put those of nodes there, the control plane's among them.
 */
function ownerOf(
  kind: ExternalKind,
  address: string,
  ports: Service['ports'],
  { protection, apiServers, isPodAddress, isServiceAddress, nodeAddresses }: ReservedAddresses,
): string | undefined {
  const isExternal = kind === 'external-ip';
  const apiPorts = apiServers.get(address);
  const isApi = isExternal || ports.some(({ protocol, port }) => protocol === 'tcp' && apiPorts?.has(port));
  if (apiPorts !== undefined && isApi) return 'an API server’s';
  // Also on an interface of this node: a node-local DNS cache has a ClusterIP there.
  if (isServiceAddress(address)) return 'in a network of ClusterIPs';
  const isOwn = nodeAddresses.has(address);
  if (isOwn && isExternal && protection === 'enforce') return 'this node’s own';
  return isPodAddress(address) && (isExternal || !isOwn) ? 'in a pod network' : undefined;
}
