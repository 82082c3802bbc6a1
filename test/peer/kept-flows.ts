import { setTimeout as delay } from 'node:timers/promises';
import { boundSource, CLIENTS, type Place } from './cast.ts';
import type { Difference } from './comparison.ts';
import { type Connection, connectionText } from './destinations.ts';
import type { Draws } from './draws.ts';
import { KEPT_PORTS, type Network } from './network.ts';
import type { Both } from './two-nodes.ts';

/** Flows on each node at a time. */
const MOST = 64;
/** Flows like one connection on each node, so that the same endpoint has some on both. */
const OF_ONE = 4;
/** Changes that a flow stays open over. */
const LONGEST = 8;
const PORTS = 4_000;

/** Seconds until nothing is no answer. */
const PATIENCE = 0.4;

/** Milliseconds before each further look: what takes flows out of conntrack may come later than the rules. */
const LATER_LOOKS = [500, 1_000, 2_000, 3_000] as const;

interface Flow {
  readonly id: string;
  readonly connection: Connection;
  /** Who answered first, and since: "ENDPOINT CLIENT". */
  readonly endpoint: string;
  age: number;
}

/** Flows that stay open from change to change on both nodes: the same requests, each with an endpoint of its own draw. */
export class KeptFlows {
  readonly #networks: readonly [Network, Network];
  readonly #flows: readonly [Map<string, Flow>, Map<string, Flow>] = [new Map(), new Map()];
  #ids = 0;

  constructor({ ours, theirs }: Both<Network>) {
    this.#networks = [ours, theirs];
  }

  get count(): number {
    return this.#flows[0].size + this.#flows[1].size;
  }

  /** Opens more of them, to places that answer. */
  async open(connections: readonly Connection[], draws: Draws): Promise<void> {
    const room = Math.floor((MOST - this.#flows[0].size) / OF_ONE);
    // SCTP has no sockets here; affinity binds all flows of a client to one endpoint, on each node another one.
    const open = connections.filter(
      ({ protocol, isSticky, client }) => protocol !== 'sctp' && !isSticky && client !== 'remote-pod',
    );
    const wanted = draws
      .sample(open, Math.max(room, 0))
      .flatMap((connection) => Array.from({ length: OF_ONE }, () => ({ id: String(this.#ids++), connection })));
    await Promise.all(this.#networks.map((network, side) => this.#openOn(network, side, wanted)));
  }

  /**
   * Probes all of them; gives those that fare differently on the two nodes, though they began at the same endpoint.
   * `isEnough`: whether what differs needs no further look.
   */
  async compare(isEnough: (differences: readonly Difference[]) => Promise<boolean>): Promise<readonly Difference[]> {
    let differences = await this.#look();
    for (const wait of LATER_LOOKS) {
      if (differences.length === 0 || (await isEnough(differences))) break;
      await delay(wait);
      differences = await this.#look();
    }
    return differences;
  }

  /** Closes those that fared badly, and old ones. */
  async prune(): Promise<void> {
    await Promise.all(
      this.#flows.map((flows, side) => {
        for (const flow of flows.values()) flow.age += 1;
        const fates = this.#fates[side];
        return this.#close(
          side,
          [...flows.values()].filter(({ id, age }) => age >= LONGEST || fates?.get(id) !== 'goes on'),
        );
      }),
    );
  }

  /** Closes the flows like some connections. */
  async close(isMeant: (connection: Connection) => boolean): Promise<void> {
    await Promise.all(
      this.#flows.map((flows, side) =>
        this.#close(
          side,
          [...flows.values()].filter(({ connection }) => isMeant(connection)),
        ),
      ),
    );
  }

  #fates: readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>] = [new Map(), new Map()];

  async #look(): Promise<readonly Difference[]> {
    const [one, other] = await Promise.all(this.#networks.map((network, side) => this.#probeOn(network, side)));
    this.#fates = [one ?? new Map(), other ?? new Map()];
    const classes = this.#flows.map((flows, side) => {
      const fates = new Map<
        string,
        { readonly connection: Connection; readonly endpoint: string; readonly seen: Set<string> }
      >();
      for (const { id, connection, endpoint } of flows.values()) {
        const key = `an open flow ${connectionText(connection)} that began at ${endpoint}`;
        const known = fates.get(key) ?? { connection, endpoint, seen: new Set<string>() };
        known.seen.add(this.#fates[side === 0 ? 0 : 1].get(id) ?? 'lost');
        fates.set(key, known);
      }
      return fates;
    });
    return [...(classes[0] ?? [])].flatMap(([what, { connection, endpoint, seen }]) => {
      const theirs = classes[1]?.get(what)?.seen;
      const isSame = theirs === undefined || (theirs.size === seen.size && [...seen].every((fate) => theirs.has(fate)));
      return isSame
        ? []
        : [{ what, connection, openFlow: endpoint, ours: [...seen].sort(), theirs: [...theirs].sort() }];
    });
  }

  async #openOn(
    network: Network,
    side: number,
    wanted: readonly { readonly id: string; readonly connection: Connection }[],
  ): Promise<void> {
    const flows = this.#flows[side];
    await this.#eachPlace(wanted, async (place, here) => {
      const requests = here.map(({ id, connection }) => {
        const { protocol, address, port, client, version } = connection;
        const sourcePort = KEPT_PORTS + (Number(id) % PORTS);
        return ['open', id, protocol, address, port, boundSource(client, version) ?? '-', sourcePort, PATIENCE].join(
          ' ',
        );
      });
      const outcomes = await network.run(place, requests);
      const failed: string[] = [];
      for (const [i, { id, connection }] of here.entries()) {
        const [endpoint = '! nothing'] = outcomes[i]?.keys() ?? [];
        if (endpoint.startsWith('!')) failed.push(id);
        else flows?.set(id, { id, connection, endpoint, age: 0 });
      }
      await network.run(
        place,
        failed.map((id) => `close ${id}`),
      );
    });
  }

  async #probeOn(network: Network, side: number): Promise<ReadonlyMap<string, string>> {
    const fates = new Map<string, string>();
    await this.#eachPlace([...(this.#flows[side]?.values() ?? [])], async (place, here) => {
      const outcomes = await network.run(
        place,
        here.map(({ id }) => `probe ${id} ${PATIENCE}`),
      );
      for (const [i, { id, endpoint }] of here.entries()) {
        const [outcome = '! nothing'] = outcomes[i]?.keys() ?? [];
        if (outcome.startsWith('! ')) fates.set(id, outcome.slice(2));
        // Which of the others is a matter of chance.
        else fates.set(id, outcome === endpoint ? 'goes on' : 'goes elsewhere');
      }
    });
    return fates;
  }

  async #close(side: number, flows: readonly Flow[]): Promise<void> {
    const network = this.#networks[side];
    for (const { id } of flows) this.#flows[side]?.delete(id);
    await this.#eachPlace(flows, async (place, here) => {
      await network?.run(
        place,
        here.map(({ id }) => `close ${id}`),
      );
    });
  }

  async #eachPlace<T extends { readonly connection: Connection }>(
    items: readonly T[],
    work: (place: Place, here: readonly T[]) => Promise<void>,
  ): Promise<void> {
    const places = Map.groupBy(items, ({ connection }) => CLIENTS[connection.client].place);
    await Promise.all([...places].map(([place, here]) => work(place, here)));
  }
}
