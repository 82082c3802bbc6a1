import * as fc from 'fast-check';
import type { Protocol } from '../../../src/objects/protocol.ts';
import { CLIENTS, type Client, OWN_TARGETS, TARGETS, type Target, type Version } from '../runner/cast.ts';

/** A connection to try. */
export interface Connection {
  readonly client: Client;
  readonly target: Target;
  readonly port: number;
  readonly protocol: Protocol;
  readonly version: Version;
}

/** A connection before the cluster is known. `aim`: to the one of its frontends that this number falls on, if any. */
export interface Draft extends Connection {
  readonly aim: number | undefined;
}

/** Where a Service can be reached. */
export type Destination = Omit<Connection, 'client'>;

/** More often than others: the pod that may be its own endpoint, and whoever is outside. */
const clientNames: readonly Client[] = [...(Object.keys(CLIENTS) as Client[]), 'pod', 'pod', 'outside'];
const targetNames = Object.keys(TARGETS) as Target[];
const servicePorts = fc.constantFrom(80, 80, 81);
const nodePorts = fc.constantFrom(30080, 30081, 30082);

const destinations = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...targetNames), servicePorts) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...OWN_TARGETS), nodePorts) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...targetNames), nodePorts) },
);

const draft: fc.Arbitrary<Draft> = fc
  .record({
    client: fc.constantFrom(...clientNames),
    destination: destinations,
    protocol: fc.constantFrom<Protocol>('tcp', 'udp'),
    version: fc.constantFrom<Version>('ip4', 'ip6'),
    aim: fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 3, arbitrary: fc.nat(9999) }),
  })
  .map(({ destination: [target, port], ...rest }) => ({ ...rest, target, port }));

/** A sample of connections. One of them is SCTP now and then: its packets go one by one. */
export const drafts: fc.Arbitrary<readonly Draft[]> = fc
  .tuple(fc.array(draft, { minLength: 8, maxLength: 12, size: 'max' }), fc.nat(9))
  .map(([list, draw]) => list.map((one, i) => (i === 0 && draw === 0 ? { ...one, protocol: 'sctp' } : one)));

/** The connections of a cluster with these frontends; each once. */
export function connectionsOf(list: readonly Draft[], frontends: readonly Destination[]): readonly Connection[] {
  const connections = list.map(({ aim, client, ...destination }): Connection => {
    const known = frontends.filter(({ protocol }) => (protocol === 'sctp') === (destination.protocol === 'sctp'));
    const { target, port, protocol, version } = (aim !== undefined && known[aim % known.length]) || destination;
    // Only the node reaches its loopback addresses.
    return { client: target === 'loopback' ? 'node' : client, target, port, protocol, version };
  });
  return [...new Map(connections.map((connection) => [connectionText(connection), connection])).values()];
}

/** As in an expectation's line, which goes on with what is expected. */
export function connectionText({ client, target, port, protocol, version }: Connection): string {
  return `${client} → ${target}:${port}/${protocol}/${version === 'ip4' ? 'ipv4' : 'ipv6'}`;
}
