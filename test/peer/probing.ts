import { untouchedKey } from '../scenarios/runner/witness.ts';
import { boundSource, CLIENTS, isOwnAddress, manySources, PLACES, type Place } from './cast.ts';
import type { Connection } from './destinations.ts';
import type { Network } from './network.ts';

/**
 * What became of connections, in words that do not depend on chance: "10.32.0.21:8080 sees the client", "… sees
 * 10.32.0.1", "answered" (where session affinity decides by whom), "refused", "timeout", "untouched", or another failure.
 */
export type Seen = ReadonlySet<string>;

/** Whether an endpoint answered. */
export function isAnswered(seen: Seen): boolean {
  return [...seen].some((text) => text.includes(' sees ') || text.startsWith('answered'));
}

export interface Round {
  /** New flows for each connection. */
  readonly draws: number;
  /** Seconds until nothing is no answer. */
  readonly seconds: number;
  /** A number that no other round has, for addresses that session affinity does not know. */
  readonly number: number;
}

/** Tries all connections at the same time; the results are in their order. Call it once at a time for a network. */
export async function probe(
  network: Network,
  connections: readonly Connection[],
  round: Round,
): Promise<readonly Seen[]> {
  const raw = new Map<Connection, ReadonlyMap<string, number>>();
  const placeOf = ({ client }: Connection): Place => CLIENTS[client].place;
  const sources = new Map(connections.map((connection, i) => [connection, sourceFor(connection, round, i)] as const));
  await Promise.all(
    PLACES.map(async (place) => {
      const here = connections.filter((connection) => placeOf(connection) === place);
      const outcomes = await network.run(
        place,
        here.map((connection) => requestFor(connection, round, sources.get(connection) ?? KERNELS_CHOICE)),
      );
      for (const [i, connection] of here.entries()) raw.set(connection, outcomes[i] ?? new Map());
    }),
  );
  const hasSctp = connections.some(({ protocol }) => protocol === 'sctp');
  const [arrived, untouched] = await Promise.all([hasSctp ? network.arrivedSctp() : NOTHING, network.untouched()]);
  return connections.map((connection) => {
    const source = sources.get(connection) ?? KERNELS_CHOICE;
    const seen = new Set<string>();
    for (const outcome of raw.get(connection)?.keys() ?? []) {
      seen.add(interpret(connection, source, sctpOutcome(outcome, arrived), untouched));
    }
    const answered = [...seen].filter((text) => text.includes(' '));
    if (!connection.isSticky || source.isFresh) return seen;
    // Which of the endpoints is a matter of chance: one for each client.
    for (const text of answered) seen.delete(text);
    if (answered.length > 0) seen.add(answered.length === 1 ? 'answered' : `answered by ${answered.length}`);
    return seen;
  });
}

const NOTHING: ReadonlyMap<string, string> = new Map();

interface Source {
  readonly address: string | undefined;
  /** So many consecutive addresses. */
  readonly count: number;
  /** Whether session affinity has not seen it. */
  readonly isFresh: boolean;
}

/** Further addresses of clients that connections use, and of one connection at most; a multiple of it. */
const SOURCES = 16_384;
const BLOCK = 64;

const KERNELS_CHOICE: Source = { address: undefined, count: 1, isFresh: false };

function sourceFor({ client, version, isSticky }: Connection, { number, draws }: Round, i: number): Source {
  // So far apart that no two connections of a run, nearly, meet.
  const first = ((number * 131 + i) * BLOCK) % SOURCES;
  const fresh = isSticky ? manySources(client, version, first) : undefined;
  if (fresh !== undefined) return { address: fresh, count: Math.min(draws, BLOCK), isFresh: true };
  return { address: boundSource(client, version), count: 1, isFresh: false };
}

function requestFor({ protocol, address, port }: Connection, { draws, seconds }: Round, source: Source): string {
  return ['new', protocol, address, port, source.address ?? '-', source.count, draws, seconds].join(' ');
}

/** "sctp TAG ! KIND" of a packet that was sent: what came of it, if it arrived anywhere. */
function sctpOutcome(outcome: string, arrived: ReadonlyMap<string, string>): string {
  const [, tag = '', failure = ''] = /^sctp (\d+) (! .+)$/.exec(outcome) ?? [];
  return tag === '' ? outcome : (arrived.get(tag) ?? failure);
}

function interpret(connection: Connection, source: Source, outcome: string, untouched: ReadonlySet<string>): string {
  const { address, protocol, port } = connection;
  const own = source.address ?? (isOwnAddress(address) ? address : CLIENTS[connection.client][connection.version]);
  if (untouched.has(untouchedKey(own, address, protocol, port))) return 'untouched';
  if (outcome.startsWith('! ')) return outcome.slice(2);
  const [endpoint = '', client = ''] = outcome.split(' ');
  return `${endpoint} sees ${isBetween(client, own, source.count) ? 'the client' : client}`;
}

/** Whether an address is the `count` addresses from the first on; they differ in their last part only. */
function isBetween(address: string, first: string, count: number): boolean {
  const [, head, tail] = /^(.*[.:])([^.:]*)$/.exec(first) ?? [];
  const [, itsHead, itsTail] = /^(.*[.:])([^.:]*)$/.exec(address) ?? [];
  if (count === 1) return address === first;
  const radix = address.includes(':') ? 16 : 10;
  const offset = Number.parseInt(itsTail ?? '', radix) - Number.parseInt(tail ?? '', radix);
  return head === itsHead && offset >= 0 && offset < count;
}
