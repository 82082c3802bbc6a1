import type { Family } from '../../ip.ts';
import {
  destinationAddress,
  destinationPort,
  randomSlot,
  sourceAddress,
  transportProtocol,
} from '../elements/packet-fields.ts';
import type { Field } from '../elements/set-or-map.ts';
import { PROTOCOLS, type SetOrMap } from '../elements/set-or-map.ts';
/**
 * The names for one of the two ways to address a Service: by address and port, or by a port of the node. Both have the same
 * layout, except that the keys of node ports have no address.
 */
export interface FrontendMaps {
  /** Frontend → verdict. */
  readonly dispatch: string;
  /** Frontend of policy Local → verdict, for clients on this node and for all others. */
  readonly cluster: string;
  readonly local: string;
  /** The chain that distinguishes these clients. */
  readonly localPolicy: string;
  /** Frontends whose clients get the node's address as their source: all clients, or those on the node itself. */
  readonly snat: string;
  readonly snatFromNode: string;
  /** Prefixes of endpoint maps and pick chains, for all endpoints and for those on this node. */
  readonly endpoints: string;
  readonly localEndpoints: string;
  readonly pick: string;
  readonly localPick: string;
  /** Frontends whose new connections are counted: all of them, and those that were refused or dropped. */
  readonly connections: string;
  readonly refused: string;
  readonly dropped: string;
}

export const BY_ADDRESS: FrontendMaps = {
  dispatch: 'services',
  cluster: 'services-cluster',
  local: 'services-local',
  localPolicy: 'local-policy',
  snat: 'snat-services',
  snatFromNode: 'snat-services-from-node',
  endpoints: 'endpoints',
  localEndpoints: 'local-endpoints',
  pick: 'pick',
  localPick: 'pick-local',
  connections: 'connections',
  refused: 'connections-refused',
  dropped: 'connections-dropped',
};

export const BY_NODE_PORT: FrontendMaps = {
  dispatch: 'node-ports',
  cluster: 'node-ports-cluster',
  local: 'node-ports-local',
  localPolicy: 'local-policy-node-ports',
  snat: 'snat-node-ports',
  snatFromNode: 'snat-node-ports-from-node',
  endpoints: 'node-port-endpoints',
  localEndpoints: 'node-port-local-endpoints',
  pick: 'pick-node-port',
  localPick: 'pick-node-port-local',
  connections: 'node-port-connections',
  refused: 'node-port-connections-refused',
  dropped: 'node-port-connections-dropped',
};

/** The frontends with source ranges, looked up once a client is known to be in them. */
export const ADMITTED = 'admitted';

/** Chain that refuses a connection. "reject" itself is a reserved word. */
export const REFUSE_CHAIN = 'refuse';

/** Chain that drops connections to a frontend with source ranges from clients outside of them. */
export const SOURCE_RANGES_CHAIN = 'source-ranges-check';

/** Chain that drops such connections if dropped connections are counted. */
export const DROP_CHAIN = 'drop-counted';

/** The same for node ports: the chain, the set, and the map that it looks up. */
export const NODE_PORT_RANGES_CHAIN = 'node-port-ranges-check';
export const NODE_PORT_RANGES = 'node-port-source-ranges';
export const ADMITTED_NODE_PORTS = 'admitted-node-ports';

/** With a list of networks for all node ports: these networks, and the node ports that are closed to everybody else. */
export const NODE_PORT_CLIENTS = 'node-port-clients';
export const CLOSED_NODE_PORTS = 'closed-node-ports';

/** Which optional sets a program has. */
export interface SetsAndMapsOptions {
  /** New connections are counted. */
  readonly connectionCounters?: boolean;
  /** Only clients in some networks may connect to node ports. */
  readonly nodePortClients?: boolean;
}

/** Every set and map of a family's table, in the order of their declarations. */
export function setsAndMapsOf(family: Family, options: SetsAndMapsOptions = {}): readonly SetOrMap[] {
  const { connectionCounters: counts = false, nodePortClients = false } = options;
  const address: Field = { type: 'address', of: destinationAddress(family) };
  const source: Field = { type: 'address', of: sourceAddress(family) };
  const protocol: Field = { type: 'protocol', of: transportProtocol };
  const port: Field = { type: 'port', of: destinationPort('th') };
  const frontend = [address, protocol, port];
  const network = (name: string, field: Field, comment: string): SetOrMap => ({
    name,
    key: [{ ...field, type: 'cidr' }],
    interval: true,
    comment,
  });
  const set = (name: string, key: readonly Field[], comment: string): SetOrMap => ({ name, key, comment });
  const verdicts = (
    name: string,
    key: readonly Field[],
    picks: string,
    chains: readonly string[],
    comment: string,
  ): SetOrMap => ({
    name,
    key,
    value: 'verdict',
    targets: [
      { picks },
      'affinity chains',
      ...[REFUSE_CHAIN, ...(counts ? [DROP_CHAIN] : []), ...chains].map((chain) => ({ chain })),
    ],
    comment,
  });
  const frontendMaps = (
    names: FrontendMaps,
    key: readonly Field[],
    snatKey: readonly Field[],
    what: string,
    chains: readonly string[],
  ): SetOrMap[] => [
    verdicts(names.dispatch, key, names.pick, chains, `${what} → what happens to a new connection`),
    verdicts(names.cluster, key, names.pick, [], `${what} of policy Local → the same for clients on this node`),
    verdicts(names.local, key, names.localPick, [], `${what} of policy Local → the same for all other clients`),
    set(names.snat, snatKey, `${what}s that give every client the node's address as source (policy Cluster)`),
    set(names.snatFromNode, snatKey, `${what}s that give it only to clients on the node itself (policy Local)`),
  ];
  const endpoints = (prefix: string, withAddress: boolean, what: string): SetOrMap[] =>
    PROTOCOLS.map((name) => ({
      name: endpointsMap(prefix, name),
      // The draw's modulus is not part of the type. nft only needs an expression of this type here.
      key: [
        ...(withAddress ? [address] : []),
        { type: 'port', of: destinationPort(name) },
        { type: 'slot', of: randomSlot(2) },
      ],
      value: [address, { type: 'port', of: destinationPort(name) }],
      comment: `${what} and slot → endpoint, ${name.toUpperCase()}`,
    }));
  const counting = (names: FrontendMaps, key: readonly Field[], what: string): SetOrMap[] => [
    { ...set(names.connections, key, `${what}s: counters of new connections`), counts: true },
    { ...set(names.refused, key, `${what}s: counters of refused connections`), counts: true },
    { ...set(names.dropped, key, `${what}s: counters of dropped connections`), counts: true },
  ];
  return [
    ...frontendMaps(BY_ADDRESS, frontend, frontend, 'frontend', [BY_ADDRESS.localPolicy, SOURCE_RANGES_CHAIN]),
    // With the endpoint's address, so that another program's translation of the same port number is not mistaken for ours.
    ...frontendMaps(BY_NODE_PORT, [protocol, port], [protocol, port, address], 'node port', [
      BY_NODE_PORT.localPolicy,
      NODE_PORT_RANGES_CHAIN,
    ]),
    verdicts(
      ADMITTED,
      frontend,
      BY_ADDRESS.pick,
      [BY_ADDRESS.localPolicy],
      'frontend with source ranges → what happens to a client in them',
    ),
    {
      name: 'source-ranges',
      key: [...frontend, { ...source, type: 'cidr' }],
      interval: true,
      comment: 'frontend and a network that may connect to it',
    },
    {
      name: NODE_PORT_RANGES,
      // The port comes first. The kernel compares field by field, and goes through all ranges that match so far: with the
      // protocol first, these would be those of all node ports.
      key: [port, protocol, { ...source, type: 'cidr' }],
      interval: true,
      comesLater: true,
      comment: 'node port and a network that may connect to it',
    },
    {
      ...verdicts(
        ADMITTED_NODE_PORTS,
        [protocol, port],
        BY_NODE_PORT.pick,
        [BY_NODE_PORT.localPolicy],
        'node port with source ranges → what happens to a client in them',
      ),
      comesLater: true,
    },
    ...(nodePortClients
      ? [
          network(NODE_PORT_CLIENTS, source, 'networks that may connect to node ports'),
          set(CLOSED_NODE_PORTS, [protocol, port], 'node ports that are closed to all other clients'),
        ]
      : []),
    network('node-port-networks', address, 'networks in which addresses of this node serve node ports'),
    set('localhost-node-ports', [protocol, port], 'UDP and SCTP node ports, which are refused on loopback'),
    set('cluster-ips', [address], 'ClusterIPs of all Services'),
    network('service-cidrs', address, 'networks of ClusterIPs: connections to unallocated addresses are dropped'),
    set('hairpin', [source, address], 'endpoints on this node that may connect to themselves through a Service'),
    network('pod-cidrs', source, 'pod networks: clients in them keep their address'),
    network('all-sources', source, 'every address, once the Node has pod CIDRs of this family'),
    ...endpoints(BY_ADDRESS.endpoints, true, 'frontend'),
    ...endpoints(BY_ADDRESS.localEndpoints, true, 'frontend of policy Local'),
    ...endpoints(BY_NODE_PORT.endpoints, false, 'node port'),
    ...endpoints(BY_NODE_PORT.localEndpoints, false, 'node port of policy Local'),
    ...(counts
      ? [...counting(BY_ADDRESS, frontend, 'frontend'), ...counting(BY_NODE_PORT, [protocol, port], 'node port')]
      : []),
  ];
}

/** The sets and maps that decide about packets, whose differences matter: all except those that count. */
export function decidingSetsAndMaps({
  setsAndMaps,
}: {
  readonly setsAndMaps: readonly SetOrMap[];
}): readonly SetOrMap[] {
  return setsAndMaps.filter(({ counts }) => !counts);
}

/** Those that a table has from the beginning. */
export function declaredAtOnce(setsAndMaps: readonly SetOrMap[]): readonly SetOrMap[] {
  return setsAndMaps.filter(({ comesLater }) => !comesLater);
}

/** The map with a protocol's endpoints: frontend and slot → endpoint. `prefix`: see FrontendMaps. */
export function endpointsMap(prefix: string, protocol: string): string {
  return `${prefix}-${protocol}`;
}
