import {
  type ClusterSize,
  clusterIp,
  ENDPOINT_PORT,
  FRONTEND_PORT,
  podAddresses,
  serviceKey,
} from './synthetic-cluster.ts';

/**
 * How kube-proxy lays out a cluster: up to 1.35 with a chain per Service and one per endpoint, from 1.36 on with a chain
 * per Service that translates through an anonymous map of its own.
 */
export const PEER_LAYOUTS = ['chain per endpoint', 'chain per service'] as const;

export type PeerLayout = (typeof PEER_LAYOUTS)[number];

/** The table kube-proxy's ruleset is in. */
export const PEER_TABLE = 'kube-proxy';

/**
 * The ruleset of a synthetic cluster in kube-proxy's layout, as one nft document in text form, which is how kube-proxy
 * sends it: base chains and fixed chains, the sets and maps of ClusterIPs, and the chains of each Service.
 */
export function peerRuleset(layout: PeerLayout, size: ClusterSize): string {
  const services = Array.from({ length: size.services }, (_, n) => n);
  const elements = (of: (n: number) => string) => services.map(of).join(', ');
  return `table ip ${PEER_TABLE} {
  set cluster-ips { type ipv4_addr; elements = { ${elements(clusterIp)} }; }
  map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
  map service-nodeports { type inet_proto . inet_service : verdict; }
  map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  ${layout === 'chain per service' ? 'set hairpin-connections { type ipv4_addr . ipv4_addr . inet_proto . inet_service; }' : ''}
  chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
  ${services.map((n) => serviceChains(layout, n, podAddresses(n, size))).join('\n  ')}
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { ${elements((n) => `${clusterIp(n)} . tcp . ${FRONTEND_PORT} : goto ${chainName('service', n)}`)} }
  }
  ${fixedChains(layout)}
}
`;
}

/** Like kube-proxy's names in form and length: a kind, eight characters, the service port, and the endpoint if any. */
function chainName(kind: 'service' | 'endpoint', n: number, endpoint = ''): string {
  return `${kind}-${n.toString(36).toUpperCase().padStart(8, 'A')}-${serviceKey(n)}/tcp/http${endpoint}`;
}

function serviceChains(layout: PeerLayout, n: number, pods: readonly string[]): string {
  const name = chainName('service', n);
  const count = pods.length;
  if (layout === 'chain per service') {
    const map = pods.map((pod, i) => `${i} : ${pod} . ${ENDPOINT_PORT}`).join(', ');
    return `chain ${name} { meta l4proto tcp dnat ip addr . port to numgen random mod ${count} map { ${map} }; }`;
  }
  const endpointName = (pod: string) => chainName('endpoint', n, `__${pod}/${ENDPOINT_PORT}`);
  const endpointChains = pods.map(
    (pod) =>
      `chain ${endpointName(pod)} { ip saddr ${pod} jump mark-for-masquerade; meta l4proto tcp dnat to ${pod}:${ENDPOINT_PORT}; }`,
  );
  const toCluster = `ip daddr ${clusterIp(n)} tcp dport ${FRONTEND_PORT} ip saddr != 10.128.0.0/9 jump mark-for-masquerade;`;
  const vmap = pods.map((pod, i) => `${i} : goto ${endpointName(pod)}`).join(', ');
  return [...endpointChains, `chain ${name} { ${toCluster} numgen random mod ${count} vmap { ${vmap} }; }`].join(
    '\n  ',
  );
}

function fixedChains(layout: PeerLayout): string {
  const markInServices = 'ip daddr @cluster-ips ip saddr != 10.128.0.0/9 meta mark set meta mark or 0x4000;';
  const hairpin =
    'ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random;';
  const bySet = layout === 'chain per service';
  return `chain services {
    ${bySet ? markInServices : ''}
    ip daddr . meta l4proto . th dport vmap @service-ips;
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @service-nodeports;
  }
  chain masquerading {
    meta mark and 0x4000 != 0 meta mark set meta mark xor 0x4000 masquerade fully-random;
    ${bySet ? hairpin : ''}
  }
  chain service-endpoints-check { ip daddr . meta l4proto . th dport vmap @no-endpoint-services; }
  chain nodeport-endpoints-check { ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @no-endpoint-nodeports; }
  chain firewall-check { ip daddr . meta l4proto . th dport vmap @firewall-ips; }
  chain cluster-ips-check { ip daddr @cluster-ips reject; }
  chain filter-prerouting-pre-dnat { type filter hook prerouting priority -110; ct state new jump firewall-check; }
  chain filter-output-pre-dnat { type filter hook output priority -110; ct state new jump firewall-check; }
  chain filter-input {
    type filter hook input priority 0;
    ct state new jump nodeport-endpoints-check;
    ct state new jump service-endpoints-check;
  }
  chain filter-forward {
    type filter hook forward priority 0;
    ct state new jump service-endpoints-check;
    ct state new jump cluster-ips-check;
  }
  chain filter-output {
    type filter hook output priority 0;
    ct state new jump service-endpoints-check;
    ct state new jump cluster-ips-check;
  }
  chain nat-prerouting { type nat hook prerouting priority -100; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
  chain nat-postrouting { type nat hook postrouting priority 100; jump masquerading; }`;
}
