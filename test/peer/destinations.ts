import { isIPv6 } from 'node:net';
import type { Protocol } from '../../src/objects/protocol.ts';
import type { RawObject } from './api-server.ts';
import { CLIENTS, type Client, isLoopback, OWN_ADDRESSES, TARGETS, type Version } from './cast.ts';
import type { Draws } from './draws.ts';

/** Where somebody may connect to. */
export interface Destination {
  readonly address: string;
  readonly version: Version;
  readonly port: number;
  readonly protocol: Protocol;
  /** The Service that has it, and as what; undefined where none does. */
  readonly service: string | undefined;
  readonly by: 'cluster IP' | 'external IP' | 'load balancer IP' | 'node port' | 'nothing';
  /** Whether a client's connections all go to the same endpoint. */
  readonly isSticky: boolean;
}

/** A connection to try. */
export interface Connection extends Destination {
  readonly client: Client;
}

/** The fields of a Service, as the API server gives it, that say where it is. */
interface ServiceFields {
  readonly spec: {
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly { readonly protocol: string; readonly port: number; readonly nodePort?: number }[];
    readonly sessionAffinity?: string;
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

const versionOf = (address: string): Version => (isIPv6(address) ? 'ip6' : 'ip4');

/** Every address and port that a Service has by its object, whether a proxy should serve it or not. */
export function destinationsOf(object: RawObject): readonly Destination[] {
  if (object.kind !== 'Service') return [];
  // The API server's answer, which it has checked.
  const { spec, status } = object as unknown as ServiceFields;
  const { clusterIPs = [], externalIPs = [], ports = [] } = spec;
  const common = { service: object.metadata.name, isSticky: spec.sessionAffinity === 'ClientIP' };
  const balanced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const addresses = [
    ...clusterIPs.filter((ip) => ip !== 'None').map((address) => ({ address, by: 'cluster IP' as const })),
    ...externalIPs.map((address) => ({ address, by: 'external IP' as const })),
    ...balanced.map((address) => ({ address, by: 'load balancer IP' as const })),
  ];
  const own = OWN_ADDRESSES.flatMap((name) => [TARGETS[name].ip4, TARGETS[name].ip6]);
  return ports.flatMap(({ protocol, port, nodePort }) => {
    const named = { ...common, protocol: protocol.toLowerCase() as Protocol };
    return [
      ...addresses.map((one) => ({ ...named, ...one, version: versionOf(one.address), port })),
      ...(nodePort === undefined
        ? []
        : own.map((address) => ({
            ...named,
            address,
            version: versionOf(address),
            port: nodePort,
            by: 'node port' as const,
          }))),
    ];
  });
}

/** "10.96.0.10:80/tcp" of a destination. */
export function destinationText({ address, port, protocol }: Destination): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`;
}

export function connectionText(connection: Connection): string {
  const { client, by, service = 'no Service' } = connection;
  return `${client} → ${destinationText(connection)} (${by} of ${service})`;
}

/** Addresses that no Service has (some are in a ServiceCIDR, or will be), and ports that none has. */
export function randomDestination(draws: Draws, known: readonly Destination[]): Destination {
  const version = draws.pick(['ip4', 'ip6'] as const);
  const nowhere = {
    ip4: ['10.96.0.99', '10.96.77.7', '10.97.0.9', '10.98.0.9', '203.0.113.1', '203.0.113.12', '192.0.2.1'],
    ip6: ['fd00:96::99', 'fd00:96::7777', 'fd00:97::9', 'fd00:98::9', '2001:db8:113::1', '2001:db8:2::1'],
  }[version];
  const address = known.length > 0 && draws.oneIn(2) ? draws.pick(known).address : draws.pick(nowhere);
  const drawn: Destination = {
    address,
    version: versionOf(address),
    port: draws.pick([80, 81, 82, 83, 90, 101, 30_080, 30_099]),
    protocol: draws.pick(['tcp', 'udp']),
    service: undefined,
    by: 'nothing',
    isSticky: false,
  };
  return known.find((one) => destinationText(one) === destinationText(drawn)) ?? drawn;
}

/** More often than others: those whose connections are treated in ways of their own. */
const CLIENT_NAMES: readonly Client[] = [
  ...(Object.keys(CLIENTS) as Client[]),
  ...(['pod', 'outside', 'outside', 'node', 'stranger'] as const),
];

/** A client for a destination. */
export function randomClient(draws: Draws, { address }: Destination): Client {
  return isLoopback(address) ? 'node' : draws.pick(CLIENT_NAMES);
}
