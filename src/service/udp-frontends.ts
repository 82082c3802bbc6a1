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
 * An address and UDP port at which a Service is or was reachable, and which flows to it may continue. The kernel applies the
 * rules only to the first packet of a flow, so a flow that they would now refuse or drop continues until it is deleted from
 * conntrack.
 */
export interface UdpFrontend extends UdpAddress {
  /**
   * False if no Service has it any more. Then only translated flows are ours: the address may now belong to somebody else.
   */
  readonly isHeld: boolean;
  /** The endpoints to which flows may continue, as `address port` (canonical). Empty: none, for any client. */
  readonly serving: ReadonlySet<string>;
  /**
   * Networks ("address/prefix"), in lists: a client's flows may continue if each of these lists has a network with its
   * address.
   */
  readonly admitted: readonly (readonly string[])[];
}

/** What is known about clients, as networks. */
export interface UdpClients {
  /**
   * The clients on this node, as the rules recognise them: pods, and the node itself. Undefined if they are not recognised
   * by address.
   */
  here(): readonly string[] | undefined;
  /** This node itself, which no source range of a node port excludes. */
  node(): readonly string[];
  /** Who may connect to node ports; undefined: everybody. */
  readonly nodePorts: readonly string[] | undefined;
}

const NOBODY: ReadonlySet<string> = new Set();

/** A frontend that no Service has any more. */
export function formerUdpFrontend({ address, port }: UdpAddress): UdpFrontend {
  return { address, port, isHeld: false, serving: NOBODY, admitted: [] };
}

/** An endpoint in the form of `UdpFrontend.serving`. */
export function endpointKey(address: string, port: number | string): string {
  return `${address} ${port}`;
}

/**
 * The UDP frontends among those of one Service and family (`frontendsOf`, or those that it has after conflicts with other
 * Services). Every endpoint of their port with the condition serving keeps its flows, even if it is not selected for new
 * ones (terminating, of another node or zone), like in kube-proxy. But none does if nobody is served: if a frontend has no
 * usable endpoint, or if internalTrafficPolicy is Local and there is none on this node. If externalTrafficPolicy is Local
 * and there is none here, only clients on this node are served.
 *
 * Only flows of clients that the rules would admit may continue. The members of `clients` are only called where they are
 * needed.
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

/** The clients whose new flows are not refused or dropped because there is no endpoint. */
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
