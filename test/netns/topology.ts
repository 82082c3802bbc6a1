/**
 * The addresses of the test world, after the examples of the project: one place to read them.
 *
 *     client ── eth0 192.0.2.0/24 ── node ── pods   10.32.0.0/16   (all pods of the node, any address answers)
 *                                     ├───── pod<n> one pod in a namespace of its own
 *                                     └───── remote 10.33.0.0/16   (pods of another node, routed)
 */
export const CLUSTER_IPS = { ip4: '10.96.0.0/12', ip6: 'fd00:96::/112' } as const;
export const PODS = { ip4: '10.32.0.0/16', ip6: 'fd00:32::/64' } as const;
const REMOTE_PODS = { ip4: '10.33.0.0/16', ip6: 'fd00:33::/64' } as const;
/** The pod CIDRs of both nodes, for `--cluster-cidr`. */
export const CLUSTER_CIDR = { ip4: '10.32.0.0/15', ip6: 'fd00:32::/31' } as const;
/** The node's own addresses: towards the client, towards the pods, towards the other node. */
export const NODE = { ip4: '192.0.2.1', ip6: '2001:db8:2::1' } as const;
export const NODE_TO_PODS = { ip4: '10.32.0.1', ip6: 'fd00:32::1' } as const;
export const NODE_TO_REMOTE = { ip4: '198.51.100.1', ip6: '2001:db8:3::1' } as const;
export const CLIENT = { ip4: '192.0.2.100', ip6: '2001:db8:2::100' } as const;
/** Further addresses of the client, all local there and routed back to it. Outside the cluster. */
const CLIENT_SOURCES = { ip4: '198.18.0.0/15', ip6: '2001:db8:18::/64' } as const;
/** The first addresses in the pods' and the remote namespace: next hops, not pods. */
const PODS_GATEWAY = { ip4: '10.32.0.2', ip6: 'fd00:32::2' } as const;
const REMOTE_GATEWAY = { ip4: '198.51.100.2', ip6: '2001:db8:3::2' } as const;
/** The node's default route: an address nobody has, behind the client's MAC address, which drops what comes there. */
const UPSTREAM = { ip4: '192.0.2.254', ip6: '2001:db8:2::254' } as const;

/** Dual stack address pair. */
export interface AddressPair {
  readonly ip4: string;
  readonly ip6: string;
}

/** One veth between the node and another namespace, and what is routed over it. */
interface Link {
  /** Interface name on the node; the other end is `eth0`. */
  readonly device: string;
  readonly near: AddressPair;
  readonly far: AddressPair;
  /** Routed by the node over the link, and local (every address of it) at the far end. */
  readonly anyAddressOf?: AddressPair;
  readonly nodeDefault?: AddressPair;
  /** Distinguishes MAC addresses within a world. */
  readonly index: number;
}

const nearMac = (index: number) => `02:6b:70:00:${hex(index >> 8)}:${hex(index & 255)}`;
const farMac = (index: number) => `02:6b:70:01:${hex(index >> 8)}:${hex(index & 255)}`;
const hex = (byte: number) => byte.toString(16).padStart(2, '0');

export const CLIENT_LINK: Link = {
  device: 'eth0',
  near: NODE,
  far: CLIENT,
  anyAddressOf: CLIENT_SOURCES,
  nodeDefault: UPSTREAM,
  index: 1,
};
export const PODS_LINK: Link = { device: 'pods', near: NODE_TO_PODS, far: PODS_GATEWAY, anyAddressOf: PODS, index: 2 };
export const REMOTE_LINK: Link = {
  device: 'remote',
  near: NODE_TO_REMOTE,
  far: REMOTE_GATEWAY,
  anyAddressOf: REMOTE_PODS,
  index: 3,
};

/** The link of the nth single-pod namespace (n from 0); the node's side has no address of its own there. */
export function podLink(n: number, pod: AddressPair): Link {
  return { device: `pod${n}`, near: NODE_TO_PODS, far: pod, index: 16 + n };
}

/** The MAC address a packet from the far end of a link is sent to. */
export function nodeMac(link: Link): string {
  return nearMac(link.index);
}

/**
 * Two `ip -batch` scripts (node's side, far side) for one link. Neighbours are permanent: no ARP or neighbour
 * discovery delays or loses the first packets. Every address is a /32 or /128, so nothing is on-link by accident.
 */
export function linkScripts(link: Link, farNamespace: string, ipv6: boolean): { node: string; far: string } {
  const { device, near, far, anyAddressOf, nodeDefault, index } = link;
  const node = [
    `link add ${device} address ${nearMac(index)} type veth peer name eth0 address ${farMac(index)} netns ${farNamespace}`,
    `link set ${device} up`,
  ];
  const farSide = ['link set lo up', 'link set eth0 up'];
  for (const family of ipv6 ? (['ip4', 'ip6'] as const) : (['ip4'] as const)) {
    const everywhere = family === 'ip4' ? '0.0.0.0/0' : '::/0';
    const bits = family === 'ip4' ? 32 : 128;
    const nodad = family === 'ip4' ? '' : ' nodad';
    const farNear = near[family];
    node.push(
      `address replace ${farNear}/${bits} dev ${device}${nodad}`,
      `route replace ${far[family]} dev ${device}`,
      `neigh replace ${far[family]} lladdr ${farMac(index)} nud permanent dev ${device}`,
    );
    farSide.push(
      `address replace ${far[family]}/${bits} dev eth0${nodad}`,
      `route replace ${farNear} dev eth0`,
      `neigh replace ${farNear} lladdr ${nearMac(index)} nud permanent dev eth0`,
      `route replace ${everywhere} via ${farNear} dev eth0 src ${far[family]}`,
    );
    if (anyAddressOf !== undefined) {
      node.push(`route replace ${anyAddressOf[family]} via ${far[family]} dev ${device}`);
      // IPv6 looks the table `local` up first: the node's address, within the pods' prefix, has to be there too.
      farSide.push(
        `route replace ${farNear} dev eth0 table local`,
        `route replace local ${anyAddressOf[family]} dev lo table local`,
      );
    }
    if (nodeDefault !== undefined) {
      node.push(
        `neigh replace ${nodeDefault[family]} lladdr ${farMac(index)} nud permanent dev ${device}`,
        `route replace ${nodeDefault[family]} dev ${device}`,
        `route replace ${everywhere} via ${nodeDefault[family]} dev ${device} src ${farNear}`,
      );
    }
  }
  return { node: `${node.join('\n')}\n`, far: `${farSide.join('\n')}\n` };
}

/**
 * A route in the shared pods' namespace to a pod that lives in a namespace of its own. In the table `local`, where it
 * is more specific than the route that makes every address of the pod CIDR local.
 */
export function routeToSinglePod(pod: AddressPair, ipv6: boolean): string {
  const lines = [`route replace ${pod.ip4} via ${NODE_TO_PODS.ip4} dev eth0 table local`];
  if (ipv6) lines.push(`route replace ${pod.ip6} via ${NODE_TO_PODS.ip6} dev eth0 table local`);
  return `${lines.join('\n')}\n`;
}
