import type { DetectLocal } from '../../../config/arguments.ts';
import { ProxyError } from '../../../errors.ts';
import { interfacesByName } from '../../../host/interfaces.ts';
import {
  canonicalAddress,
  type Family,
  familyOf,
  isLinkLocal,
  isLoopback,
  LOOPBACK_ADDRESS,
  networkTester,
} from '../../../ip.ts';
import type { TracedPacket } from '../../../trace/packet.ts';
import type { TraceClient } from './request.ts';

/** The side that a traced connection comes from. */
export interface TracedClient extends Pick<TracedPacket, 'source' | 'from' | 'iifname'> {
  /** True if the address is only an example: the request did not name it. */
  readonly isExample: boolean;
}

/** What is needed to classify a client. */
export interface ClientPlace {
  readonly family: Family;
  /** The node's addresses, canonical, of both families. */
  readonly own: readonly string[];
  /** The networks of pods' addresses; undefined if pods are recognised by interface. */
  readonly podNetworks: readonly string[] | undefined;
  readonly detectLocal: DetectLocal;
  /** This machine's interfaces. Called only for a client that names one. */
  readonly interfaces?: typeof interfacesByName;
}

/** The source address on a machine without addresses. */

/** Networks reserved for documentation (RFC 5737, RFC 3849). No cluster uses them. */
const OUTSIDE: Readonly<Record<Family, readonly string[]>> = {
  ip: ['198.51.100.1', '203.0.113.1', '192.0.2.1'],
  ip6: ['2001:db8:ffff::1', '2001:db8:fffe::1'],
};

/** A name that no interface has. It stands for any interface that is not a pod's. */
const ANY_INTERFACE = '/any';

/**
 * The client of a connection to `destination`. Undefined if it has no address of the family.
 * @throws ProxyError E_USAGE for an interface that does not exist
 */
export function clientOf(client: TraceClient, destination: string, place: ClientPlace): TracedClient | undefined {
  const { family, own } = place;
  switch (client.is) {
    case 'node':
      return { source: nodeSource(destination, family, own), from: 'node', iifname: undefined, isExample: false };
    case 'outside':
      return { source: outsideSource(place), from: 'outside', iifname: ANY_INTERFACE, isExample: true };
    case 'address': {
      const { address: source, interface: iifname } = client;
      if (familyOf(source) !== family) return undefined;
      if (own.includes(source)) return { source, from: 'node', iifname: undefined, isExample: false };
      return { source, from: sideOf(source, iifname, place), iifname, isExample: false };
    }
    case 'interface': {
      const source = neighbourOn(client.name, place) ?? outsideSource(place);
      return { source, from: sideOf(source, client.name, place), iifname: client.name, isExample: true };
    }
  }
}

/** For packets to one of its own addresses, the kernel uses this address as the source too. */
function nodeSource(destination: string, family: Family, own: readonly string[]): string {
  if (own.includes(destination) || isLoopback(destination)) return destination;
  const ours = own.filter((address) => familyOf(address) === family);
  return ours.find((address) => !isLinkLocal(address)) ?? ours[0] ?? LOOPBACK_ADDRESS[family];
}

function outsideSource(place: ClientPlace): string {
  const isFree = (address: string) => !place.own.includes(address) && !isPod(address, place);
  return OUTSIDE[place.family].find(isFree) ?? OUTSIDE[place.family][0] ?? '';
}

function sideOf(source: string, iifname: string | undefined, place: ClientPlace): 'pod' | 'outside' {
  if (place.podNetworks !== undefined) return isPod(source, place) ? 'pod' : 'outside';
  return iifname !== undefined && hasPods(iifname, place.detectLocal) ? 'pod' : 'outside';
}

function isPod(address: string, { podNetworks = [] }: ClientPlace): boolean {
  return networkTester(podNetworks)(address);
}

function hasPods(name: string, detectLocal: DetectLocal): boolean {
  if (!('pattern' in detectLocal)) return false;
  const { pattern } = detectLocal;
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Another address in the interface's network; undefined without an address of the family, or if there is no other. */
function neighbourOn(
  name: string,
  { family, detectLocal, interfaces = interfacesByName }: ClientPlace,
): string | undefined {
  const addresses = interfaces().get(name);
  if (addresses === undefined && !hasPods(name, detectLocal)) {
    throw new ProxyError(
      'E_USAGE',
      `--from ${JSON.stringify(name)}: this machine has no such interface; must be a pod's address, node, outside, or the name of an interface`,
    );
  }
  const usable = (addresses ?? []).find(({ address, cidr }) => {
    const prefix = Number(cidr?.split('/')[1]);
    return familyOf(address) === family && !isLinkLocal(address) && prefix <= (family === 'ip' ? 30 : 126);
  });
  return usable && beside(canonicalAddress(usable.address));
}

/** "10.32.0.2" for "10.32.0.1": another address in the same block of four. */
function beside(address: string): string {
  const [, before = '', last = ''] = /^(.*[.:])([^.:]*)$/.exec(address) ?? [];
  const base = address.includes(':') ? 16 : 10;
  const other = Number.parseInt(last === '' ? '0' : last, base) ^ 3;
  return canonicalAddress(`${before}${other.toString(base)}`);
}
