import { CONDITIONS, ENDING, READY } from '../scenarios/random/endpoints.ts';
import { OTHER_NODE, THIS_NODE } from '../scenarios/runner/cast.ts';
import { ENDPOINTS, type EndpointName, type Version } from './cast.ts';
import type { NodePlan, PlannedEndpoint, PlannedPort, PublicAddress, ServicePlan, SlicePlan } from './cluster-plan.ts';
import type { Draws } from './draws.ts';

/** Few, so that they claim what others have, and come back. */
export const SERVICES: readonly string[] = ['api', 'db', 'dns', 'mail', 'web', 'www'];

/** Every port a Service can have. The same number over several protocols, and under two names. */
const PORTS: readonly Omit<PlannedPort, 'nodePort'>[] = [
  { name: 'http', protocol: 'TCP', port: 80 },
  { name: 'dns', protocol: 'UDP', port: 80 },
  { name: 'sig', protocol: 'SCTP', port: 80 },
  { name: 'alt', protocol: 'TCP', port: 81 },
  { name: 'log', protocol: 'UDP', port: 82 },
];

/** Services whose numbers are the same modulo this have the same ports: only they claim what others have. */
const PORT_RANGES = 3;

const NODE_PORTS = [30080, 30081, 30082, 30083, 30084, 30085, 30086, 30087] as const;

const EXTERNAL_IPS: readonly PublicAddress[] = ['external-ip', 'external-ip-2', 'lb-ip', 'lb-ip-here', 'second-ip'];
const LOAD_BALANCER_IPS: readonly PublicAddress[] = ['lb-ip', 'lb-ip-2', 'lb-ip-here', 'external-ip'];

const RANGES = [
  ...[
    '192.0.2.0/24',
    '192.0.2.100/32',
    '198.18.0.0/15',
    '10.0.0.0/8',
    '10.32.0.0/16',
    '203.0.113.0/24',
    '10.32.7.1/32',
  ],
  ...[
    '2001:db8:2::/64',
    '2001:db8:2::100/128',
    '2001:db8::/32',
    'fd00:32::/31',
    'fd00:33::/64',
    '::/0',
    ' 192.0.2.1/32 ',
  ],
];

const FAMILIES: readonly (readonly Version[])[] = [
  ['ip4', 'ip6'],
  ['ip4', 'ip6'],
  ['ip4', 'ip6'],
  ['ip6', 'ip4'],
  ['ip4'],
  ['ip6'],
];

const TYPES: readonly ServicePlan['type'][] = [
  ...(['ClusterIP', 'ClusterIP', 'ClusterIP', 'NodePort', 'NodePort', 'NodePort'] as const),
  ...(['LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ExternalName', 'Headless'] as const),
];

const AFFINITIES = [undefined, undefined, undefined, 0, 600];

export function randomPorts(draws: Draws, service: number): readonly PlannedPort[] {
  const chosen = draws.sample(PORTS, draws.pick([1, 2, 2, 3, 3, 4]));
  return chosen.map((port) => ({
    ...port,
    port: port.port + 10 * (service % PORT_RANGES),
    nodePort: draws.pick([undefined, undefined, ...NODE_PORTS]),
  }));
}

/** Each part of a Service at random: to make one, or to change one in one respect. */
const PARTS: {
  readonly [part in Exclude<keyof ServicePlan, 'name' | 'number'>]: (
    draws: Draws,
    service: number,
  ) => ServicePlan[part];
} = {
  type: (draws) => draws.pick(TYPES),
  clusterIps: (draws) => draws.pick([0, 0, 0, 1]),
  families: (draws) => draws.pick(FAMILIES),
  ports: randomPorts,
  externalIps: (draws) => (draws.oneIn(2) ? draws.some(EXTERNAL_IPS, 3) : []),
  loadBalancerIps: (draws) => draws.some(LOAD_BALANCER_IPS, 2),
  ipMode: (draws) => draws.pick([undefined, undefined, undefined, 'VIP', 'Proxy']),
  ranges: (draws) => (draws.oneIn(2) ? draws.some(RANGES, 4) : []),
  externalLocal: (draws) => draws.oneIn(2),
  internalLocal: (draws) => draws.oneIn(3),
  affinity: (draws) => draws.pick(AFFINITIES),
  othersProxy: (draws) => draws.oneIn(20),
  nodePorts: (draws) => !draws.oneIn(4),
};

const partNames = Object.keys(PARTS) as (keyof typeof PARTS)[];

export function randomService(draws: Draws, name: string): ServicePlan {
  const number = SERVICES.indexOf(name);
  const parts = Object.fromEntries(partNames.map((part) => [part, PARTS[part](draws, number)]));
  // Every part is there, each from its own function.
  return { name, number, ...parts } as ServicePlan;
}

/** A Service with one part of it drawn anew, or two. */
export function varied(draws: Draws, plan: ServicePlan): ServicePlan {
  const parts = draws.sample(partNames, draws.pick([1, 1, 2])).map((part) => [part, PARTS[part](draws, plan.number)]);
  return { ...plan, ...Object.fromEntries(parts) };
}

const endpointNames = Object.keys(ENDPOINTS) as EndpointName[];
const ZONES = ['zone-a', 'zone-b'];
const NODES = [THIS_NODE, OTHER_NODE];

/** Endpoints of one slice: mostly ready, or about to end, or in all sorts of states; hints for all, for none, or mixed. */
export function randomEndpoints(draws: Draws): readonly PlannedEndpoint[] {
  const names = draws.sample(endpointNames, draws.pick([0, 1, 1, 2, 2, 3, 4, 6]));
  const usual = draws.pick([READY, READY, READY, [ENDING], CONDITIONS]);
  const hinted = draws.pick(['none', 'none', 'none', 'zones', 'nodes', 'both', 'mixed']);
  return names.map((name) => ({
    name,
    conditions: draws.pick(draws.oneIn(5) ? CONDITIONS : usual),
    // The world's hairpin depends on it; a controller always writes it for pods.
    isPlaced: !draws.oneIn(12),
    zones: hasHint(draws, hinted, 'zones') ? draws.sample(ZONES, draws.pick([1, 1, 2])) : [],
    nodes: hasHint(draws, hinted, 'nodes') ? draws.sample(NODES, draws.pick([1, 1, 2])) : [],
  }));
}

function hasHint(draws: Draws, hinted: string, kind: string): boolean {
  return hinted === kind || hinted === 'both' || (hinted === 'mixed' && draws.oneIn(2));
}

/** A slice's ports: a Service's by name, mostly; each a number of its own, or none. */
export function slicePorts(draws: Draws, ports: readonly PlannedPort[]): SlicePlan['ports'] {
  const named = draws.oneIn(6) ? PORTS : ports;
  const usual = draws.pick([8080, 8080, 8081]);
  return named.map(({ name, protocol }) => ({
    name,
    protocol,
    port: draws.oneIn(12) ? draws.pick([8080, 8081, undefined]) : usual,
  }));
}

const DUAL_POD_CIDRS = ['10.32.0.0/16', 'fd00:32::/64'];
const POD_CIDRS = [
  DUAL_POD_CIDRS,
  ['fd00:32::/64', '10.32.0.0/16'],
  ['10.32.0.0/16'],
  ['10.33.0.0/16', 'fd00:33::/64'],
];

/** The Node of a new cluster. */
export function firstNode(draws: Draws): NodePlan {
  const zone = draws.pick([undefined, 'zone-a', 'zone-b']);
  return {
    addresses: ['node'],
    zone,
    isLeaving: false,
    podCidrs: draws.oneIn(4) ? draws.pick(POD_CIDRS) : DUAL_POD_CIDRS,
  };
}

/** The Node with one thing changed. */
export function randomNode(draws: Draws, plan: NodePlan): NodePlan {
  // Other addresses and pod CIDRs make kube-proxy start anew, which takes seconds.
  switch (draws.pick(['addresses', 'pod CIDRs', 'leaving', 'leaving', 'zone', 'zone', 'zone'] as const)) {
    case 'addresses':
      return { ...plan, addresses: draws.pick([['node'], ['second-ip', 'node'], ['node', 'lb-ip-here']]) };
    case 'pod CIDRs':
      return { ...plan, podCidrs: draws.pick(POD_CIDRS) };
    case 'leaving':
      return { ...plan, isLeaving: !plan.isLeaving };
    case 'zone':
      return { ...plan, zone: draws.pick([undefined, 'zone-a', 'zone-b']) };
  }
}
