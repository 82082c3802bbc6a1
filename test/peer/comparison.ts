import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Connection } from './destinations.ts';
import type { Round, Seen } from './probing.ts';

/** Something the two nodes do not have in common. */
export interface Difference {
  /** The connection, or what else was compared. */
  readonly what: string;
  readonly connection?: Connection;
  /** Where a flow began that was open before the change, "ENDPOINT CLIENT", if it is about one. */
  readonly openFlow?: string;
  /** Whether a flow like the open one could begin now, on our node. */
  readonly couldBegin?: boolean;
  /** The endpoint that clients were bound to before the change, by session affinity, if it is about some. */
  readonly boundTo?: string;
  /** The port, if it is about the health check of a Service. */
  readonly healthCheckNodePort?: number;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

const NOTHING: Seen = new Set();

export type Prober = (connections: readonly Connection[], round: Round) => Promise<readonly Seen[]>;

/** Each adds to what was seen before, since endpoints are drawn at random: how many flows, and seconds until nothing is no answer. */
const ROUNDS = [
  { draws: 5, seconds: 0.25 },
  { draws: 15, seconds: 0.3 },
  { draws: 40, seconds: 0.5 },
] as const;

/** Milliseconds before each look that begins anew, for what was not in force yet, or was lost on a busy machine. */
const SECOND_LOOKS = [150, 400, 1_200, 3_000] as const;
const SECOND_LOOK = { draws: 60, seconds: 1 } as const;

export interface Compared {
  /** Connections with different answers to the end. */
  readonly different: readonly { readonly connection: Connection; readonly ours: Seen; readonly theirs: Seen }[];
  /** Connections whose answers became the same only after a while, with what was seen before. */
  readonly late: readonly { readonly connection: Connection; readonly ours: Seen; readonly theirs: Seen }[];
  /** Connections that an endpoint answered, on both nodes. */
  readonly answered: readonly Connection[];
}

export interface Probers {
  readonly ours: Prober;
  readonly theirs: Prober;
  /** See Round. */
  readonly nextNumber: () => number;
  /** Lets both nodes forget what they saw; before a second look. */
  readonly forget: () => Promise<void>;
  /** Whether a difference needs no second look. */
  readonly isExplained: (connection: Connection, ours: Seen, theirs: Seen) => boolean;
  /** Whether our node may show some of the endpoints only, of those that the other one has. */
  readonly isUneven?: (connection: Connection) => boolean;
}

/** Probes both nodes until their answers agree, or do not after all looks. */
export async function compare(connections: readonly Connection[], probers: Probers): Promise<Compared> {
  const { ours, theirs, nextNumber, forget, isExplained, isUneven = () => false } = probers;
  const seen = new Map(connections.map((connection) => [connection, [new Set<string>(), new Set<string>()] as const]));
  const look = async (probed: readonly Connection[], { draws, seconds }: { draws: number; seconds: number }) => {
    const round = { draws, seconds, number: nextNumber() };
    const answers = await Promise.all([ours(probed, round), theirs(probed, round)]);
    for (const [i, connection] of probed.entries()) {
      for (const [side, sets] of answers.entries()) {
        for (const text of sets[i] ?? []) seen.get(connection)?.[side === 0 ? 0 : 1].add(text);
      }
    }
    return probed.filter((connection) => {
      const [one, other] = seen.get(connection) ?? [NOTHING, NOTHING];
      if (isUneven(connection) && one.size > 0) return ![...one].every((text) => other.has(text));
      return !isDeepStrictEqual(one, other);
    });
  };
  let open: readonly Connection[] = connections;
  for (const round of ROUNDS) if (open.length > 0) open = await look(open, round);
  const sets = (connection: Connection) => seen.get(connection) ?? ([new Set<string>(), new Set<string>()] as const);
  const explained = open.filter((connection) => isExplained(connection, ...sets(connection)));
  open = open.filter((connection) => !explained.includes(connection));
  const doubtful = open.map((connection) => {
    const [one, other] = sets(connection);
    return { connection, ours: new Set(one), theirs: new Set(other) };
  });
  for (const wait of SECOND_LOOKS) {
    if (open.length === 0) break;
    await delay(wait);
    await forget();
    for (const connection of open) for (const set of sets(connection)) set.clear();
    open = await look(open, SECOND_LOOK);
  }
  const last = open;
  return {
    different: [...explained, ...last].map((connection) => {
      const [one, other] = sets(connection);
      return { connection, ours: one, theirs: other };
    }),
    late: doubtful.filter(({ connection }) => !last.includes(connection)),
    answered: connections.filter((connection) =>
      sets(connection).every((set) => [...set].some((text) => text.includes(' sees '))),
    ),
  };
}
