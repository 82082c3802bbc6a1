import { canonicalAddress, familyOf, isInCidr, parseCidr } from '../ip.ts';
import { decodeObject } from '../objects/decode.ts';
import type { Node } from '../objects/node.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** An interface's address. */
interface LocalAddress {
  readonly interface: string;
  /** Canonical. */
  readonly address: string;
}

/** How to recognise connections from pods, and the networks of this node. */
export interface NodeNetworks {
  readonly nodeName: string;
  readonly mode: 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix';
  /** The interface's name or prefix, for the last two modes. */
  readonly pattern?: string;
  /** --cluster-cidr, "address/prefix". */
  readonly podCidrs: readonly string[];
  readonly addresses: readonly LocalAddress[];
  readonly interfaces: readonly string[];
}

const NODE = 'Node';
const PODS = 'pod network';

/** Reads the Node from an API server's answer; undefined if there is none, or if it cannot be read. */
export function readNode(raw: unknown): Node | undefined {
  const { object } = decodeObject('Node', raw);
  return object?.kind === 'Node' ? object : undefined;
}

/** Checks whether the Node object describes this machine. `node` is undefined if there is none with that name. */
export function checkNode(node: Node | undefined, { nodeName, addresses }: NodeNetworks): readonly Finding[] {
  if (node === undefined) {
    const what = `there is no Node ${nodeName}: the addresses of this node, and which endpoints are on it, are unknown`;
    return [problem(NODE, what, "--hostname-override NAME, with this node's name in kubectl get nodes")];
  }
  const [primary] = node.addresses;
  if (primary === undefined) {
    return [
      warning(NODE, `Node ${nodeName} has no address: node ports are not served`, 'make sure that the kubelet runs'),
    ];
  }
  const isHere = addresses.some(({ address }) => node.addresses.includes(address));
  if (!isHere) {
    const what = `no interface has an address of Node ${nodeName} (${node.addresses.join(', ')})`;
    return [
      warning(NODE, what, '--hostname-override NAME if this is another node; --bind-address if the address is wrong'),
    ];
  }
  return [ok(NODE, `${nodeName}, ${primary}`)];
}

/** Checks whether the network that identifies connections from pods contains this node's pods, and nothing else. */
export function checkPodNetwork(node: Node | undefined, networks: NodeNetworks): readonly Finding[] {
  const { mode, pattern = '', interfaces, podCidrs } = networks;
  if (mode === 'BridgeInterface' || mode === 'InterfaceNamePrefix') {
    const prefix = pattern.replace(/\*$/, '');
    const found = interfaces.filter((name) => (mode === 'BridgeInterface' ? name === prefix : name.startsWith(prefix)));
    if (found.length > 0)
      return [
        ok(PODS, `by interface: ${pattern}, of which there ${found.length === 1 ? 'is 1' : `are ${found.length}`}`),
      ];
    const what = `there is no interface ${pattern} (--detect-local-mode ${mode}); pods may get one later`;
    return [warning(PODS, what, 'make sure that the CNI plugin gives its interfaces this name')];
  }
  const own = node?.podCidrs ?? [];
  const cidrs = mode === 'NodeCIDR' ? own : podCidrs;
  if (cidrs.length === 0) {
    if (mode === 'NodeCIDR' && node === undefined) return [];
    return [
      mode === 'NodeCIDR'
        ? warning(
            PODS,
            `Node ${networks.nodeName} has no podCIDR, which --detect-local-mode NodeCIDR needs`,
            'make sure that the controller manager assigns one, or choose another mode',
          )
        : warning(
            PODS,
            'there is no --cluster-cidr: clients outside the pod network may get no answer from a ClusterIP',
            '--cluster-cidr NETWORK, the network of all pods',
          ),
    ];
  }
  const problems = [...outside(cidrs, own), ...overlaps(cidrs, own, node, networks)];
  return problems.length > 0 ? problems : [ok(PODS, cidrs.join(', '))];
}

/** Pods of this node that would not be recognised as pods. */
function outside(cidrs: readonly string[], own: readonly string[]): readonly Finding[] {
  return own
    .filter((cidr) => !cidrs.some((one) => contains(one, addressOf(cidr))))
    .map((cidr) => {
      const what = `this node's podCIDR ${cidr} is not in ${cidrs.join(', ')}: connections of its pods get the node's address as source`;
      return warning(PODS, what, 'set --cluster-cidr to the network of all pods');
    });
}

/** Addresses of the node, outside its own pod network, that would be taken for pods. */
function overlaps(
  cidrs: readonly string[],
  own: readonly string[],
  node: Node | undefined,
  { addresses }: NodeNetworks,
): readonly Finding[] {
  return (
    addresses
      .filter(({ address }) => cidrs.some((cidr) => contains(cidr, address)))
      .filter(({ address }) => node?.addresses.includes(address) || !own.some((cidr) => contains(cidr, address)))
      // If the node has no podCIDR, addresses of the CNI plugin's interfaces count as pod addresses.
      .filter(
        ({ address }) =>
          node?.addresses.includes(address) || own.some((cidr) => familyOf(addressOf(cidr)) === familyOf(address)),
      )
      .map(({ interface: name, address }) => {
        const what = `${address} of interface ${name} is in the pod network ${cidrs.join(', ')}, but does not belong to a pod: connections from it are treated as a pod's`;
        return warning(PODS, what, "give pods a network that does not overlap with the nodes'");
      })
  );
}

function contains(cidr: string, address: string): boolean {
  const parsed = parseCidr(cidr);
  return parsed !== undefined && parsed.family === familyOf(address) && isInCidr(canonicalAddress(address), parsed);
}

function addressOf(cidr: string): string {
  return cidr.split('/')[0] ?? '';
}
