import { interfaceAddresses } from '../../host/interfaces.ts';
import { canonicalAddress, familyOf } from '../../ip.ts';
import type { Node } from '../../objects/node.ts';

/** The Node for a machine without a cluster behind it: its addresses are those of its interfaces. */
export function interfaceNode(name: string): Node {
  const addresses = interfaceAddresses()
    .filter(({ internal, address }) => !internal && familyOf(address) !== undefined && !isLinkLocal(address))
    .map(({ address }) => canonicalAddress(address));
  return { kind: 'Node', name, addresses, zone: '', podCidrs: [], eligible: true };
}

function isLinkLocal(address: string): boolean {
  return /^(fe[89ab]|169\.254\.)/i.test(address);
}
