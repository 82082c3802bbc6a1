import { interfaceAddresses } from '../../host/interfaces.ts';
import { canonicalAddress, familyOf, isLinkLocal } from '../../ip.ts';
import type { Node } from '../../objects/node.ts';

/** The Node for a machine without a cluster: its addresses are those of its interfaces. */
export function interfaceNode(name: string): Node {
  const addresses = interfaceAddresses()
    .filter(({ internal, address }) => !internal && familyOf(address) !== undefined)
    .map(({ address }) => canonicalAddress(address))
    .filter((address) => !isLinkLocal(address) && !address.startsWith('169.254.'));
  return { kind: 'Node', name, addresses, zone: '', podCidrs: [], eligible: true };
}
