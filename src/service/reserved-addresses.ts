import { translatedIpv4 } from '../ip.ts';
import type { Service } from '../objects/service.ts';
import { whyUnusable } from './unusable-address.ts';

/** How external and load balancer IPs are treated that belong to the cluster or the node (--protect-addresses). */
export type Protection = 'off' | 'warn' | 'enforce';

/** The addresses that belong to something other than the Services that request them. */
export interface ReservedAddresses {
  readonly protection: Protection;
  /** Address of an API server → its ports. */
  readonly apiServers: ReadonlyMap<string, ReadonlySet<number>>;
  readonly isPodAddress: (address: string) => boolean;
  readonly isServiceAddress: (address: string) => boolean;
  /** This node's own. */
  readonly nodeAddresses: ReadonlySet<string>;
}

/** Nothing is known about the cluster. Addresses that no Service can have are refused even then. */
export const NOTHING_RESERVED: ReservedAddresses = {
  protection: 'off',
  apiServers: new Map(),
  isPodAddress: () => false,
  isServiceAddress: () => false,
  nodeAddresses: new Set(),
};

/** The kinds of frontends whose address was not allocated by the API server. */
export type ExternalKind = 'external-ip' | 'load-balancer-ip';

/** An objection to an address that a Service requests. */
export interface Objection {
  readonly kind: ExternalKind;
  /** Canonical. */
  readonly address: string;
  readonly reason: 'unusable-address' | 'protected-address';
  /** What the address is: "a loopback address", "the API server’s". */
  readonly what: string;
  /** Whether it is left out of the rules. */
  readonly isRefused: boolean;
}

/** The objection to an external or load balancer IP of a Service; undefined: none. */
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

/** All objections to the addresses of a Service. None if this proxy ignores the Service. */
export function objectionsOf(service: Service, reserved: ReservedAddresses): readonly Objection[] {
  const { otherProxy, type, clusterIps, loadBalancerIps, externalIps } = service;
  if (otherProxy || type === 'ExternalName' || clusterIps.length === 0) return [];
  const to = (kind: ExternalKind) => (address: string) => objectionTo(kind, address, service, reserved) ?? [];
  return [...loadBalancerIps.flatMap(to('load-balancer-ip')), ...externalIps.flatMap(to('external-ip'))];
}

/**
 * The owner of an address (CVE-2020-8554). For load balancer IPs, only the port of an API server is protected, and this
 * node's addresses are not: k3s ServiceLB, MetalLB and kube-vip use addresses of nodes as load balancer IPs, including those
 * of the control plane.
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
  // Checked first, because a ClusterIP may be on an interface of this node: a node-local DNS cache has one.
  if (isServiceAddress(address)) return 'in a network of ClusterIPs';
  const isOwn = nodeAddresses.has(address);
  if (isOwn && isExternal && protection === 'enforce') return 'this node’s own';
  return isPodAddress(address) && (isExternal || !isOwn) ? 'in a pod network' : undefined;
}
