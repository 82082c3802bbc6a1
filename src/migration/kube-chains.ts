/** A table of iptables that Kubernetes puts chains into. */
type IptablesTable = 'nat' | 'filter' | 'mangle';

/**
 * The chains that kube-proxy creates, and removes with --cleanup, in its modes iptables and ipvs.
 * Source: pkg/proxy/iptables/cleanup.go and pkg/proxy/ipvs/proxier.go (iptablesCleanupChains) of Kubernetes 1.33; nat
 * KUBE-FIREWALL and KUBE-FIRE-WALL are those of ipvs mode before 1.27.
 */
const KUBE_PROXY_CHAINS: Readonly<Record<IptablesTable, readonly string[]>> = {
  nat: [
    'KUBE-SERVICES',
    'KUBE-NODEPORTS',
    'KUBE-POSTROUTING',
    'KUBE-MARK-MASQ',
    'KUBE-PROXY-CANARY',
    'KUBE-NODE-PORT',
    'KUBE-LOAD-BALANCER',
    'KUBE-FIREWALL',
    'KUBE-FIRE-WALL',
  ],
  filter: [
    'KUBE-SERVICES',
    'KUBE-EXTERNAL-SERVICES',
    'KUBE-NODEPORTS',
    'KUBE-FORWARD',
    'KUBE-PROXY-FIREWALL',
    'KUBE-PROXY-CANARY',
    'KUBE-NODE-PORT',
    'KUBE-SOURCE-RANGES-FIREWALL',
    'KUBE-IPVS-FILTER',
    'KUBE-IPVS-OUT-FILTER',
  ],
  mangle: ['KUBE-PROXY-CANARY'],
};

/** In nat: the chains of a Service port and of an endpoint. Before 1.24, XLB was used instead of SVL and EXT. */
const SERVICE_CHAIN = /^KUBE-(?:SVC|SVL|EXT|FW|SEP|XLB)-[A-Z2-7]{16}$/;

/**
 * The chains of the kubelet, which stay: it would recreate them only after a minute, and its KUBE-FIREWALL protects
 * loopback. Source: pkg/kubelet/kubelet_network_linux.go. (KUBE-MARK-DROP is kubelet's, too, up to 1.27.)
 */
const KUBELET_CHAINS: Readonly<Record<IptablesTable, readonly string[]>> = {
  nat: ['KUBE-KUBELET-CANARY', 'KUBE-MARK-DROP'],
  filter: ['KUBE-KUBELET-CANARY', 'KUBE-FIREWALL'],
  mangle: ['KUBE-KUBELET-CANARY', 'KUBE-IPTABLES-HINT'],
};

/** The chains that mark packets for masquerading and masquerade them. Others use them too (the CNI plugin portmap). */
export const MARK_CHAIN = 'KUBE-MARK-MASQ';
export const MASQUERADE_CHAIN = 'KUBE-POSTROUTING';

/** True if only kube-proxy creates the chain. */
export function isKubeProxyChain(table: string, chain: string): boolean {
  if (!isIptablesTable(table)) return false;
  return KUBE_PROXY_CHAINS[table].includes(chain) || (table === 'nat' && SERVICE_CHAIN.test(chain));
}

/** True if the kubelet creates the chain. */
export function isKubeletChain(table: string, chain: string): boolean {
  return isIptablesTable(table) && KUBELET_CHAINS[table].includes(chain);
}

/** The comments of kube-proxy's jumps from built-in chains: "kubernetes service portals", "kube-proxy firewall rules". */
export const KUBE_PROXY_COMMENT = /^(?:kubernetes|kube-proxy) /;

/** The ipsets of ipvs mode (pkg/proxy/ipvs/ipset.go); those for IPv6 begin with KUBE-6-, cut off at 31 characters. */
const IP_SETS = [
  'LOOP-BACK',
  'CLUSTER-IP',
  'EXTERNAL-IP',
  'EXTERNAL-IP-LOCAL',
  'LOAD-BALANCER',
  'LOAD-BALANCER-FW',
  'LOAD-BALANCER-LOCAL',
  'LOAD-BALANCER-SOURCE-IP',
  'LOAD-BALANCER-SOURCE-CIDR',
  'NODE-PORT-TCP',
  'NODE-PORT-LOCAL-TCP',
  'NODE-PORT-UDP',
  'NODE-PORT-LOCAL-UDP',
  'NODE-PORT-SCTP-HASH',
  'NODE-PORT-LOCAL-SCTP-HASH',
  'HEALTH-CHECK-NODE-PORT',
  'IPVS-IPS',
];
const IP_SET_NAMES: ReadonlySet<string> = new Set(
  IP_SETS.flatMap((name) => [`KUBE-${name}`, `KUBE-6-${name}`.slice(0, 31)]),
);

/** True for an ipset of kube-proxy's ipvs mode. */
export function isKubeProxySet(name: string): boolean {
  return IP_SET_NAMES.has(name);
}

function isIptablesTable(table: string): table is IptablesTable {
  return table === 'nat' || table === 'filter' || table === 'mangle';
}
