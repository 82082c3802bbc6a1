import type { Family } from '../../ip.ts';
import { joined } from '../../objects/compact.ts';
import type { HashBy } from '../../service/hash-table.ts';
import { chainElement } from '../elements/chain-element.ts';
import type { Element } from '../elements/element.ts';
import {
  clientSlot,
  connectionSlot,
  destinationAddress,
  destinationPort,
  randomSlot,
  transportProtocol,
} from '../elements/packet-fields.ts';
import { PROTOCOLS, type SetOrMap } from '../elements/set-or-map.ts';
import type { Expression, Statement } from '../elements/statement.ts';
import { BY_ADDRESS, BY_NODE_PORT, endpointsMap } from './sets-and-maps.ts';

/** The numbers of slots that pick chains can serve for a frontend: powers of two, up to the maximum number of endpoints. */
export const CAPACITIES: readonly number[] = Array.from({ length: 17 }, (_, power) => 2 ** power);

/** How often a pick chain draws from all its slots before it draws from the lower half, which is always full. */
const DRAWS = 8;

/** The seed of the last draw; the others have 1, 2, … */
const LAST_SEED = DRAWS + 1;

/**
 * The pick chains in the kernel, as elements of the model (see chain-element.ts). A chain is created with the first element
 * that goes to it, and stays: nft before 1.1.2 reads all chains for each transaction, and adding a rule for a map of 150,000
 * elements takes the kernel 21 ms.
 */
export const PICK_CHAINS: SetOrMap = {
  name: 'chains that pick an endpoint',
  key: [],
  stays: true,
  comment: 'chains that pick an endpoint',
};

/** The seed of the one draw from a table. It differs from the seeds above, which are for draws from slots. */
const TABLE_SEED = LAST_SEED + 1;

/** Serves all frontends of an endpoint map with at most `capacity` endpoints, and at least half of that; or tables. */
export interface PickChain {
  /** "goto pick-tcp-8" */
  readonly verdict: string;
  /** How many slots it draws from: a power of two. */
  readonly capacity: number;
  readonly by: DrawnBy;
  /** How many of the first slots must be full: those of its last draw. */
  readonly full: number;
  /** The chain with its rules, as the model holds it. */
  readonly element: Element;
}

/**
 * How a slot is drawn: at random, by the client's address, or by a hash from a table that is always full
 * (service/hash-table.ts).
 */
type DrawnBy = 'random' | 'client' | `${HashBy}-hash`;

const DRAWN_BY: readonly DrawnBy[] = ['random', 'client', 'client-hash', 'connection-hash'];

/** What a chain that draws from a table hashes; undefined for any other. */
export function hashedBy({ by }: Pick<PickChain, 'by'>): HashBy | undefined {
  if (by === 'client-hash') return 'client';
  return by === 'connection-hash' ? 'connection' : undefined;
}

/** Every pick chain that a family can have. Each is made when it is first requested. */
export interface PickChains {
  /** `prefix`: `pick` or `localPick` of a FrontendMaps. `capacity`: one of CAPACITIES. */
  chainFor(prefix: string, protocol: string, capacity: number, by?: DrawnBy): PickChain;
  /** The chain that a verdict goes to; undefined for any other verdict. */
  byVerdict(verdict: string): PickChain | undefined;
  /** Undefined for any other chain. */
  byName(chain: string): PickChain | undefined;
  /** A pick chain found in the kernel, with its rules if they are as they were written; otherwise what was found. */
  known(found: Element): Element;
}

/** How many slots the last draw of a pick chain chooses from. There is no draw after it, so all of them must be full. */
export function lastDraw(capacity: number): number {
  return capacity === 1 ? 1 : capacity / 2;
}

/** True for the name of a pick chain. */
export function isPickChain(name: string): boolean {
  return name.startsWith(`${BY_ADDRESS.pick}-`);
}

/** The pick chains of a family's program. */
export function createPickChains(family: Family): PickChains {
  const byVerdict = new Map(
    POOLS.flatMap(({ pick, by, ...pool }) =>
      PROTOCOLS.flatMap((protocol) =>
        CAPACITIES.map((capacity) => {
          const name = nameOf(pick, protocol, capacity, by);
          const verdict = joined(' ', 'goto', name);
          let element: Element | undefined;
          const chain: PickChain = {
            verdict,
            capacity,
            by,
            full: hashedBy({ by }) !== undefined ? capacity : lastDraw(capacity),
            get element() {
              element ??= chainElement(PICK_CHAINS, { name, rules: drawRules(family, protocol, pool, capacity, by) });
              return element;
            },
          };
          return [verdict, chain] as const;
        }),
      ),
    ),
  );
  const byName = (chain: string) => byVerdict.get(`goto ${chain}`);
  return {
    byVerdict: (verdict) => byVerdict.get(verdict),
    byName,
    known(found) {
      const element = found.setOrMap === PICK_CHAINS ? byName(found.key)?.element : undefined;
      return element?.value === found.value ? element : found;
    },
    chainFor(prefix, protocol, capacity, by = 'random') {
      const chain = byName(nameOf(prefix, protocol, capacity, by));
      if (chain === undefined) throw new Error(`no chain picks from ${prefix} ${protocol} ${capacity}`);
      return chain;
    },
  };
}

/** What pick chains draw from: the prefix of their names, the prefix of the endpoint maps, and the keys of the maps. */
const POOLS = (
  [
    { pick: BY_ADDRESS.pick, endpoints: BY_ADDRESS.endpoints, withAddress: true },
    { pick: BY_ADDRESS.localPick, endpoints: BY_ADDRESS.localEndpoints, withAddress: true },
    { pick: BY_NODE_PORT.pick, endpoints: BY_NODE_PORT.endpoints, withAddress: false },
    { pick: BY_NODE_PORT.localPick, endpoints: BY_NODE_PORT.localEndpoints, withAddress: false },
  ] as const
).flatMap((pool) => DRAWN_BY.map((by) => ({ ...pool, by })));

type DrawnFrom = Omit<(typeof POOLS)[number], 'pick' | 'by'>;

function nameOf(pick: string, protocol: string, capacity: number, by: DrawnBy): string {
  return `${pick}${by === 'random' ? '' : `-${by}`}-${protocol}-${capacity}`;
}

/**
 * From a table, whose slots are all full, this draws once.
 *
 * From slots, a draw that hits an empty slot does not match, and the next rule draws again. The last rule draws from the
 * lower half, which is always full, so every packet gets an endpoint.
 *
 * By the client's address, each draw has its own seed and always the same outcome, which makes it consistent hashing. An
 * added endpoint fills a slot, and takes over the clients that draw this slot before another full one.
 */
function drawRules(
  family: Family,
  protocol: string,
  pool: DrawnFrom,
  capacity: number,
  by: DrawnBy,
): readonly Statement[][] {
  const map = endpointsMap(pool.endpoints, protocol);
  const drawOf = (slot: Expression): Statement[] => {
    const frontend = [...(pool.withAddress ? [destinationAddress(family)] : []), destinationPort(protocol)];
    return [
      { match: { op: '==', left: transportProtocol, right: protocol } },
      { dnat: { family, addr: { map: { key: { concat: [...frontend, slot] }, data: `@${map}` } } } },
    ];
  };
  if (by === 'client-hash') return [drawOf(clientSlot(family, capacity, TABLE_SEED))];
  if (by === 'connection-hash') return [drawOf(connectionSlot(family, capacity, TABLE_SEED))];
  const draw = (slots: number, seed = LAST_SEED) =>
    drawOf(by === 'client' ? clientSlot(family, slots, seed) : randomSlot(slots));
  // With capacity 1 and 2, all slots are full, except for the moment between the loss of an endpoint and the new verdict.
  const count = capacity <= 2 ? 1 : DRAWS;
  const draws =
    by === 'client'
      ? Array.from({ length: count }, (_, i) => draw(capacity, i + 1))
      : new Array<Statement[]>(count).fill(draw(capacity));
  return capacity === 1 ? draws : [...draws, draw(lastDraw(capacity))];
}
