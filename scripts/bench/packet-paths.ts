import { inNamespace, runSync } from '../../test/netns/namespaces.ts';
import type { Workspace } from './workspace.ts';

/**
 * One client and one namespace with all pods, and between them a node for each path that is compared: what differs is
 * the ruleset of the node. A socket chooses its path by the client's device it is bound to.
 *
 *     client ── c0 ── node 0 ── p0 ── pods
 *            └─ c1 ── node 1 ── p1 ──┘
 */
export interface PacketPaths {
  readonly client: string;
  readonly pods: string;
  readonly nodes: readonly string[];
}

/** The pods' addresses in use lie here; the client's, as those of a pod elsewhere, in the rest of the pod network. */
const PODS = '10.128.0.0/12';
const clientSide = (i: number, end: number) => `10.200.${i}.${end}`;
const podSide = (i: number, end: number) => `10.201.${i}.${end}`;
const mac = (link: number, i: number, end: number) => `02:6b:71:0${link}:0${i}:0${end}`;

/** Makes the namespaces; the workspace removes them. At most ten nodes. */
export function makePacketPaths(workspace: Workspace, nodes: number): PacketPaths {
  const client = workspace.namespace('client');
  const pods = workspace.namespace('pods');
  const names = Array.from({ length: nodes }, (_, i) => workspace.namespace(`node-${i}`));
  for (const namespace of [client, pods, ...names]) prepare(namespace);
  batch(pods, [`route add local ${PODS} dev lo table local`]);
  for (const [i, node] of names.entries()) {
    connect(node, client, i, { device: `c${i}`, link: 1, address: clientSide });
    connect(node, pods, i, { device: `p${i}`, link: 2, address: podSide });
    // All ways lead to all nodes: the device a socket is bound to decides.
    batch(client, [`route add default via ${clientSide(i, 1)} dev c${i} metric ${i + 1} src ${clientSide(i, 2)}`]);
    batch(pods, [`route add ${clientSide(i, 2)} via ${podSide(i, 1)} dev p${i}`]);
    batch(node, [`route add ${PODS} via ${podSide(i, 2)} dev pods`]);
  }
  return { client, pods, nodes: names };
}

interface Link {
  /** The far end's name; on the node it is "client" or "pods". */
  readonly device: string;
  readonly link: number;
  readonly address: (i: number, end: number) => string;
}

/** A veth with permanent neighbours: nobody looks up a MAC address in the middle of a measurement. */
function connect(node: string, far: string, i: number, { device, link, address }: Link): void {
  const near = link === 1 ? 'client' : 'pods';
  batch(node, [
    `link add ${near} address ${mac(link, i, 1)} type veth peer name ${device} address ${mac(link, i, 2)} netns ${far}`,
    `link set ${near} up`,
    `address add ${address(i, 1)}/24 dev ${near}`,
    `neigh replace ${address(i, 2)} lladdr ${mac(link, i, 2)} nud permanent dev ${near}`,
  ]);
  batch(far, [
    `link set ${device} up`,
    `address add ${address(i, 2)}/24 dev ${device}`,
    `neigh replace ${address(i, 1)} lladdr ${mac(link, i, 1)} nud permanent dev ${device}`,
  ]);
}

/** Everything is routed, answers come by any way, and flows that were measured are soon forgotten. */
const SYSCTLS: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv4/ip_local_port_range': '1024 65535',
  'net/ipv6/conf/all/disable_ipv6': '1',
  'net/ipv6/conf/default/disable_ipv6': '1',
  'net/netfilter/nf_conntrack_udp_timeout': '1',
  'net/netfilter/nf_conntrack_udp_timeout_stream': '1',
  'net/netfilter/nf_conntrack_tcp_timeout_close': '1',
};

function prepare(namespace: string): void {
  const lines = Object.entries(SYSCTLS).map(([path, value]) => `echo '${value}' >/proc/sys/${path}`);
  runSync(inNamespace(namespace, ['sh', '-e']), { input: `${lines.join('\n')}\n` });
}

function batch(namespace: string, lines: readonly string[]): void {
  runSync(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Loads a ruleset in text form on a node. */
export function loadRuleset(node: string, text: string): void {
  runSync(inNamespace(node, ['nft', '-f', '-']), { input: text });
}

/** A ruleset that translates one address and port to a pod's, and does nothing else. */
export function plainDnat(address: string, port: number, pod: string, podPort: number): string {
  return `table ip plain {
  chain prerouting {
    type nat hook prerouting priority -100;
    ip daddr ${address} tcp dport ${port} dnat to ${pod}:${podPort}
    ip daddr ${address} udp dport ${port} dnat to ${pod}:${podPort}
  }
}
`;
}

/** A ruleset that does nothing but have conntrack follow all connections: one rule that uses it is enough. */
export const CONNTRACK_ONLY = `table ip plain {
  chain unhooked {
    ct state established accept
  }
}
`;
