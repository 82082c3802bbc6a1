import { interfaceAddresses } from '../host/interfaces.ts';
import { addressBits, canonicalAddress, type Family, familyOf, isInCidr, parseCidr } from '../ip.ts';
import type { KubeObject } from '../objects/decode.ts';
import type { Node } from '../objects/node.ts';

/** The items of --nodeport-addresses that are loopback. `all` does not include loopback (KEP-6032). */
export const LOOPBACK: Readonly<Record<Family, string>> = { ip: '127.0.0.0/8', ip6: '::1/128' };

/**
 * The networks of one family that --nodeport-addresses currently selects. If it names only networks of the other family,
 * all addresses of this family serve node ports, as in kube-proxy. The keywords apply to both families.
 */
export function nodePortNetworks(items: readonly string[], node: Node | undefined, family: Family): readonly string[] {
  const everywhere = `${family === 'ip' ? '0.0.0.0' : '::'}/0`;
  if (items.every((item) => (parseCidr(item)?.family ?? family) !== family)) return [everywhere];
  const primary = (node?.addresses ?? []).find((address) => familyOf(address) === family);
  return items.flatMap((item) => {
    if (item === 'all') return [everywhere];
    if (item === 'primary') return primary === undefined ? [] : [`${primary}/${addressBits(family)}`];
    return item === 'localhost' ? [] : [item];
  });
}

/** Replaces a Node's primary address of a family by --bind-address. Returns any other object unchanged. */
export function withBindAddress(object: KubeObject, bindAddress: string | undefined): KubeObject {
  if (object.kind !== 'Node' || bindAddress === undefined) return object;
  return { ...object, addresses: [bindAddress, ...object.addresses.filter((address) => address !== bindAddress)] };
}

/** True if --nodeport-addresses names loopback in a family, by the keyword or a network. */
export function servesLocalhost(items: readonly string[], family: Family): boolean {
  return items.some((item) => {
    if (item === 'localhost') return true;
    const address = parseCidr(item)?.address;
    const loopback = address === undefined ? undefined : parseCidr(LOOPBACK[family]);
    return address !== undefined && loopback !== undefined && isInCidr(address, loopback);
  });
}

/**
 * The addresses that answer health checks of Services, as in kube-proxy: the addresses of this machine's interfaces that
 * serve node ports, or "0.0.0.0" or "::" if these are all addresses of a family.
 */
export function healthCheckAddresses(
  items: readonly string[],
  node: Node | undefined,
  families: readonly Family[],
): readonly string[] {
  const own = [...localAddresses()].sort();
  return families.flatMap((family) => {
    const networks = nodePortNetworks(items, node, family).flatMap((text) => parseCidr(text) ?? []);
    const everywhere = networks.find(({ family: its, prefix }) => its === family && prefix === 0);
    if (everywhere !== undefined) return [everywhere.address];
    return own.filter((address) => networks.some((network) => network.family === family && isInCidr(address, network)));
  });
}

/** The canonical addresses of this machine's interfaces, except loopback. */
export function localAddresses(): ReadonlySet<string> {
  const entries = interfaceAddresses();
  const usable = entries.filter(({ internal, address }) => !internal && familyOf(address) !== undefined);
  return new Set(usable.map(({ address }) => canonicalAddress(address)));
}

/** The canonical addresses of one family at which packets reach this machine, including those on loopback. */
export function ownAddresses(family: Family): readonly string[] {
  const addresses = interfaceAddresses().map(({ address }) => address);
  return [...new Set(addresses.filter((address) => familyOf(address) === family).map(canonicalAddress))];
}
