import { setTimeout as delay } from 'node:timers/promises';
import { CLIENTS, manySources } from './cast.ts';
import type { Difference } from './comparison.ts';
import { type Connection, connectionText } from './destinations.ts';
import type { Draws } from './draws.ts';
import type { Network } from './network.ts';
import type { Both } from './two-nodes.ts';

/** Addresses of one client, each bound to an endpoint of its own; and connections at a time. */
const ADDRESSES = 24;
const CONNECTIONS = 3;
/** Changes that they stay over. */
const LONGEST = 10;

/** So many of one endpoint's clients stay there by chance once in a thousand times, where two endpoints are drawn from. */
const TELLING = 10;

/** Seconds until nothing is no answer. */
const PATIENCE = 0.5;

/** Milliseconds before each further look: a large Service may be in force after the small one that says that all is. */
const LATER_LOOKS = [150, 400, 1_200, 3_000] as const;

/** Who sends requests from the places of a network. */
type Runner = Pick<Network, 'run'>;

interface Kept {
  readonly connection: Connection;
  readonly sources: readonly string[];
  /** On each node: the address → the endpoint it was led to last. */
  readonly bound: readonly [Map<string, string>, Map<string, string>];
  age: number;
}

/** Clients of Services with session affinity that come back from change to change: to the same endpoint, or not. */
export class KeptClients {
  readonly #networks: readonly [Runner, Runner];
  #kept: Kept[] = [];
  #next = 0;

  constructor({ ours, theirs }: Both<Runner>) {
    this.#networks = [ours, theirs];
  }

  get count(): number {
    return this.#kept.length * ADDRESSES * 2;
  }

  /** Binds clients to more Services. */
  async open(connections: readonly Connection[], draws: Draws): Promise<void> {
    const open = connections.filter(
      ({ client, isSticky, protocol, version }) =>
        isSticky && protocol !== 'sctp' && manySources(client, version, 0) !== undefined,
    );
    const wanted = draws.sample(open, CONNECTIONS - this.#kept.length).map((connection): Kept => {
      const first = FIRST + (this.#next++ % BLOCKS) * ADDRESSES;
      const sources = Array.from({ length: ADDRESSES }, (_, n) => {
        return manySources(connection.client, connection.version, first + n) ?? '';
      });
      return { connection, sources, bound: [new Map(), new Map()], age: 0 };
    });
    this.#kept.push(...wanted);
    await this.#probe(wanted.flatMap(allOf));
  }

  /**
   * Probes all of them again; gives those of one endpoint that stay on one node, and do not on the other. Where they stay,
   * they are probed again for a while, since that node may be late, unless `isExplained`. Where one has left, it has left.
   */
  async compare(
    isExplained: (difference: Difference) => boolean,
    laterLooks: readonly number[] = LATER_LOOKS,
  ): Promise<readonly Difference[]> {
    const before = this.#kept.map((kept) => ({ kept, bound: kept.bound.map((map) => new Map(map)) }));
    await this.#probe(this.#kept.flatMap(allOf));
    const look = () => before.flatMap(({ kept, bound }) => differencesOf(kept, bound));
    let found = look();
    for (const wait of laterLooks) {
      const open = found.filter(({ difference }) => !isExplained(difference));
      if (open.length === 0) break;
      await delay(wait);
      await this.#probe(open.map(({ staying }) => staying));
      found = look();
    }
    return found.map(({ difference }) => difference);
  }

  /** Gives up those that nobody answers any more, and old ones. */
  prune(): void {
    for (const kept of this.#kept) kept.age += 1;
    this.#kept = this.#kept.filter(({ age, bound }) => age < LONGEST && bound.every((map) => map.size > 0));
  }

  /** Gives up those of some connections. */
  close(isMeant: (connection: Connection) => boolean): void {
    this.#kept = this.#kept.filter(({ connection }) => !isMeant(connection));
  }

  /** One new flow from each address. An address that is not answered is bound to nobody. */
  async #probe(list: readonly Clients[]): Promise<void> {
    await Promise.all(
      this.#networks.map(async (network, number) => {
        const onSide = list.filter(({ side }) => side === number);
        const places = Map.groupBy(onSide, ({ kept: { connection } }) => CLIENTS[connection.client].place);
        await Promise.all(
          [...places].map(async ([place, here]) => {
            const each = here.flatMap(({ kept, sources }) => sources.map((source) => ({ kept, source })));
            const outcomes = await network.run(
              place,
              each.map(({ kept: { connection }, source }) => {
                return `new ${connection.protocol} ${connection.address} ${connection.port} ${source} 1 1 ${PATIENCE}`;
              }),
            );
            for (const [i, { kept, source }] of each.entries()) {
              const [outcome = ''] = outcomes[i]?.keys() ?? [];
              const bound = kept.bound[number === 0 ? 0 : 1];
              if (outcome === '' || outcome.startsWith('!')) bound.delete(source);
              else bound.set(source, outcome.split(' ')[0] ?? '');
            }
          }),
        );
      }),
    );
  }
}

/** Addresses that no other connection uses (see probing.ts). */
const FIRST = 20_000;
const BLOCKS = 200;

/** Some addresses of one client, on one node. */
interface Clients {
  readonly kept: Kept;
  readonly side: 0 | 1;
  readonly sources: readonly string[];
}

function allOf(kept: Kept): readonly Clients[] {
  return SIDES.map((side) => ({ kept, side, sources: kept.sources }));
}

const SIDES = [0, 1] as const;

/** The endpoints from which clients leave on one node alone; `before`: who was bound to which one, on each node. */
function differencesOf(
  kept: Kept,
  before: readonly ReadonlyMap<string, string>[],
): readonly { readonly difference: Difference; readonly staying: Clients }[] {
  const { connection } = kept;
  const [ours, theirs] = SIDES.map((side) => fatesOf(before[side] ?? new Map(), kept.bound[side]));
  return [...(ours ?? [])].flatMap(([endpoint, mine]) => {
    const peers = theirs?.get(endpoint);
    if (peers === undefined || !differ(mine, peers)) return [];
    const what = `clients with affinity ${connectionText(connection)} that were bound to ${endpoint}`;
    const side = mine.leave > 0 ? 1 : 0;
    const sources = kept.sources.filter((source) => before[side]?.get(source) === endpoint);
    const difference = { what, connection, boundTo: endpoint, ours: told(mine), theirs: told(peers) };
    return [{ difference, staying: { kept, side, sources } }];
  });
}

interface Fates {
  stay: number;
  leave: number;
  lost: number;
}

/** What became of the clients of each endpoint. */
function fatesOf(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): ReadonlyMap<string, Fates> {
  const fates = new Map<string, Fates>();
  for (const [source, endpoint] of before) {
    const known = fates.get(endpoint) ?? { stay: 0, leave: 0, lost: 0 };
    fates.set(endpoint, known);
    const there = now.get(source);
    known[there === undefined ? 'lost' : there === endpoint ? 'stay' : 'leave'] += 1;
  }
  return fates;
}

/** Whether chance does not explain that all stay on one node and not on the other. */
function differ(one: Fates, other: Fates): boolean {
  const allStay = ({ stay, leave, lost }: Fates) => stay >= TELLING && leave + lost === 0;
  const someLeave = ({ leave }: Fates) => leave > 0;
  return (allStay(one) && someLeave(other)) || (allStay(other) && someLeave(one));
}

function told({ stay, leave, lost }: Fates): readonly string[] {
  return [`${stay} stay`, `${leave} go elsewhere`, `${lost} are not answered`];
}
