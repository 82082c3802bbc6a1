import type { RawObject } from '../../doubles/api-server-store.ts';
import type { Draws } from '../../peer/draws.ts';
import { clusterIp, node, podAddresses, portList, service, serviceCidr, slice } from '../objects.ts';
import { NODE_NAME } from '../stage.ts';

/** Names that objects come back under: few, so that they replace one another and the cluster stays small. */
const NAMES = 100;

/** A valid object of any kind, as real clusters have them. */
export function drawObject(draws: Draws): RawObject {
  const n = draws.below(NAMES);
  const kind = draws.below(20);
  if (kind === 0) return drawNode(draws);
  if (kind === 1) return serviceCidr(`cidr-${n % 8}`, [draws.pick(['10.96.0.0/14', '172.30.0.0/16', '10.100.0.0/16'])]);
  return kind < 10 ? drawService(n, draws) : drawSlice(n, draws);
}

function drawNode(draws: Draws): RawObject {
  const made = node(draws.pick([NODE_NAME, 'node-b']), ['192.0.2.1', '2001:db8:2::1']);
  const spec = {
    podCIDR: '10.32.0.0/16',
    podCIDRs: ['10.32.0.0/16', 'fd00:32::/64'],
    taints: [{ key: 'a', effect: 'NoSchedule' }],
  };
  const labels = { 'topology.kubernetes.io/zone': 'zone-a', 'kubernetes.io/hostname': made.metadata.name };
  return { ...made, metadata: { ...made.metadata, labels }, spec };
}

function drawService(n: number, draws: Draws): RawObject {
  const protocol = draws.pick(['TCP', 'UDP', 'SCTP']);
  const ports = portList(draws.between(1, 4), protocol).map((port, i) => ({
    ...port,
    ...(draws.oneIn(2) && { nodePort: 30_000 + ((n * 4 + i) % 2700) }),
    appProtocol: 'kubernetes.io/h2c',
    targetPort: draws.pick(['http', 8080]),
  }));
  const policy = () => draws.pick(['Cluster', 'Local']);
  const spec = {
    type: draws.pick(['ClusterIP', 'NodePort', 'LoadBalancer']),
    ports,
    clusterIPs: draws.oneIn(2) ? [clusterIp(n + 1)] : [clusterIp(n + 1), `fd00:96::${n + 1}`],
    externalIPs: draws.some(['203.0.113.1', '203.0.113.2', '2001:db8::1']),
    loadBalancerSourceRanges: draws.some(['10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32']),
    internalTrafficPolicy: policy(),
    externalTrafficPolicy: policy(),
    ...(draws.oneIn(3) && { healthCheckNodePort: 32_500 + n }),
    ...(draws.oneIn(3) && {
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: draws.between(1, 86_400) } },
    }),
    trafficDistribution: draws.pick(['PreferClose', 'PreferSameNode']),
  };
  const ingress = [{ ip: `203.0.113.${100 + n}`, ipMode: draws.pick(['VIP', 'Proxy']) }];
  const made = service(`fuzz-${n}`, clusterIp(n + 1), spec, { status: { loadBalancer: { ingress } } });
  return { ...made, metadata: { ...made.metadata, labels: { app: 'fuzz' }, annotations: { note: 'by hand' } } };
}

function drawSlice(n: number, draws: Draws): RawObject {
  const ports = portList(draws.between(1, 4), draws.pick(['TCP', 'UDP', 'SCTP']));
  const six = draws.oneIn(4);
  const addresses = podAddresses(draws.between(0, 6), n * 8);
  const endpoints = addresses.map((address, i) => ({
    addresses: [six ? `fd00:33::${n}:${i + 1}` : address],
    conditions: { ready: !draws.oneIn(4), serving: !draws.oneIn(4), terminating: draws.oneIn(4) },
    nodeName: draws.pick([NODE_NAME, 'node-b']),
    zone: draws.pick(['zone-a', 'zone-b']),
    hints: { forZones: [{ name: 'zone-a' }], forNodes: [{ name: NODE_NAME }] },
    targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${i}` },
  }));
  const addressType = six ? 'IPv6' : 'IPv4';
  return slice(`fuzz-${n}-${six ? 'six' : 'four'}`, `fuzz-${n}`, [], ports, { endpoints, addressType });
}
