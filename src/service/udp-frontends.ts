import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service, ServicePortSpec } from '../objects/service.ts';
import type { Frontend } from './frontend.ts';
import { slicesByPort } from './service-budget.ts';

/** An address and UDP port. */
export interface UdpAddress {
  /** Canonical; empty for a node port: the addresses of this node that serve node ports. */
  readonly address: string;
  readonly port: number;
}

/**
 * An address and UDP port that a Service answers on, or did, and which flows to it may go on. The kernel asks the rules
 * for a flow's first packet only: what they would refuse or drop now goes on until it is taken out of conntrack.
 */
export interface UdpFrontend extends UdpAddress {
  /** False if no Service has it any more. Then only what was translated is ours; the address may be somebody else's. */
  readonly isHeld: boolean;
  /** The endpoints that flows may go on to, as `address port` (canonical). Empty: to none, whoever the client is. */
  readonly serving: ReadonlySet<string>;
  /** Networks ("address/prefix"), in lists: a client may go on if each of these lists has a network with its address. */
  readonly admitted: readonly (readonly string[])[];
}

/** What is known of clients, as networks. */
export interface UdpClients {
  /** Those on this node, as the rules know them: pods, and itself. Undefined if addresses do not tell them. */
  here(): readonly string[] | undefined;
  /** This node itself, whom no source range of a node port keeps out. */
  node(): readonly string[];
  /** Who may connect to node ports; undefined: everybody. */
  readonly nodePorts: readonly string[] | undefined;
}

const NOBODY: ReadonlySet<string> = new Set();

/** A frontend that no Service has any more. */
export function formerUdpFrontend({ address, port }: UdpAddress): UdpFrontend {
  return { address, port, isHeld: false, serving: NOBODY, admitted: [] };
}

/** What `UdpFrontend.serving` has of an endpoint. */
export function endpointKey(address: string, port: number | string): string {
  return `${address} ${port}`;
}

/**
 * The UDP frontends among those of one Service and family (`frontendsOf`, or those of them it holds against other
 * Services). Every endpoint of their port that has the condition serving keeps its flows, also if it is not chosen for
 * new ones (terminating, of another node or zone), as with kube-proxy; but none does where nobody is served: a frontend
 * without a usable endpoint, or of internalTrafficPolicy Local without one on this node. Where externalTrafficPolicy
 * Local finds none here, only clients on this node are served.
 *
 * Of the clients only those count whom the rules would let begin. Each member of it is only asked for where it counts.
 */
export function udpFrontendsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  frontends: readonly Frontend[],
  clients: UdpClients,
): readonly UdpFrontend[] {
  const specs = service.ports.filter(({ protocol }) => protocol === 'udp');
  const byPort = { service: firstOf(specs, ({ port }) => port), node: firstOf(specs, ({ nodePort }) => nodePort) };
  const slicesOf = slicesByPort(slices, specs);
  // All frontends of a port share one set.
  const known = new Map<string, ReadonlySet<string>>();
  return frontends.flatMap((frontend) => {
    const { family, kind, address, protocol, port, sourceRanges } = frontend;
    const spec = protocol === 'udp' ? byPort[kind === 'node-port' ? 'node' : 'service'].get(port) : undefined;
    if (spec === undefined) return [];
    const served = servedClients(frontend);
    const key = `${family} ${spec.name}`;
    const serving = served === 'none' ? NOBODY : (known.get(key) ?? servingEndpoints(slicesOf(spec), spec, family));
    if (served !== 'none') known.set(key, serving);
    const here = served === 'here' ? clients.here() : undefined;
    const admitted = [...admittedBy(sourceRanges, kind, clients), ...(here === undefined ? [] : [here])];
    return [{ address, port, isHeld: true, serving, admitted }];
  });
}

function admittedBy(
  sourceRanges: readonly string[],
  kind: Frontend['kind'],
  { node, nodePorts }: UdpClients,
): readonly (readonly string[])[] {
  const ranges = sourceRanges.length > 0 ? [sourceRanges] : [];
  if (kind !== 'node-port') return ranges;
  const lists = nodePorts === undefined ? ranges : [...ranges, nodePorts];
  return lists.map((list) => [...list, ...node()]);
}

function firstOf(
  specs: readonly ServicePortSpec[],
  numberOf: (spec: ServicePortSpec) => number | undefined,
): ReadonlyMap<number | undefined, ServicePortSpec> {
  return new Map(specs.toReversed().map((spec) => [numberOf(spec), spec]));
}

/** Whose new flows are not refused or dropped for want of an endpoint. */
function servedClients({
  kind,
  policy,
  hasUsableEndpoints,
  endpoints,
  localEndpoints,
}: Frontend): 'all' | 'here' | 'none' {
  if (!hasUsableEndpoints || endpoints.length === 0) return 'none';
  return policy === 'local' && kind !== 'cluster-ip' && localEndpoints.length === 0 ? 'here' : 'all';
}

function servingEndpoints(slices: readonly EndpointSlice[], spec: ServicePortSpec, family: Family): Set<string> {
  const serving = new Set<string>();
  for (const { ports, endpoints } of slices) {
    for (const { name, protocol, port } of ports) {
      if (name !== spec.name || protocol !== spec.protocol) continue;
      for (const endpoint of endpoints) {
        if (!endpoint.serving || familyOf(endpoint.address) !== family) continue;
        serving.add(endpointKey(endpoint.address, port));
      }
    }
  }
  return serving;
}
