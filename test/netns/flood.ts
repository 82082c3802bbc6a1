import { setTimeout as sleep } from 'node:timers/promises';
import { type ArrivalCounter, type Arrivals, countArrivals } from './arrivals.ts';
import { runHelper } from './helper-program.ts';
import { type Losses, lossesBetween, readLosses } from './losses.ts';
import { CLIENT_LINK, nodeMac, REMOTE_LINK } from './topology.ts';
import type { Where, World } from './world.ts';

export interface FloodOptions {
  readonly destination: string;
  readonly port: number;
  /** New flows, one datagram each. */
  readonly flows: number;
  /** Places where the datagrams should arrive. Default: the pods of the node. */
  readonly arriveAt?: readonly Where[];
  /**
   * The first source address and the number of consecutive ones. The default is 1,024 that lead back to the place:
   * client: 198.18.0.1 or 2001:db8:18::1 on, outside the cluster; remote: 10.33.1.0 or fd00:33::100 on, in its pod CIDR.
   * Where the flows are masqueraded, each endpoint can have about 64,000 of them per conntrack timeout and node
   * address: a flood of a million needs sources that are not (use `remote` and a cluster CIDR that has them).
   */
  readonly sources?: { readonly first: string; readonly count: number };
  /** Datagrams a second; 0, the default, for full rate. */
  readonly rate?: number;
}

export interface FloodResult {
  readonly sent: number;
  /** Datagrams that reached one of the places, whatever their endpoint. */
  readonly arrived: number;
  /** sent − arrived. */
  readonly failed: number;
  readonly endpoints: Record<string, number>;
  /** Datagrams that the node forwarded without translating them: it sent them out again by its default route. */
  readonly untranslated: number;
  /** ICMP errors that came back; the kernel limits their rate. */
  readonly icmpErrors: number;
  /** What else could have lost packets meanwhile. */
  readonly losses: Losses;
  readonly seconds: number;
  /** Flows per second. */
  readonly rate: number;
}

const DEFAULT_SOURCES = 1024;
let floods = 0;
/** Flows already made, per world and first source: the next flood goes on from there and no tuple comes twice. */
const flowsMade = new WeakMap<World, Map<string, number>>();

/**
 * Sends `flows` new UDP flows (unique source address and port, one datagram each) from `client` or `remote` to a
 * Service at full rate, counts in the kernel what arrives, and thereby what did not. Other transactions may go on
 * meanwhile; the returned promise resolves when everything has arrived or nothing more does.
 */
export async function floodUdp(world: World, where: 'client' | 'remote', options: FloodOptions): Promise<FloodResult> {
  const { destination, port, flows, arriveAt = ['pods'], rate = 0 } = options;
  const sources = options.sources ?? defaultSources(where, destination);
  floods += 1;
  const id = floods;
  const made = flowsMade.get(world) ?? new Map<string, number>();
  flowsMade.set(world, made);
  const key = `${where} ${sources.first} ${sources.count}`;
  const firstFlow = made.get(key) ?? 0;
  made.set(key, firstFlow + flows);

  const counters = arriveAt.map((place) => countArrivals(world, place, id));
  const back = countArrivals(world, where, id);
  // The node's default route leads to the client's namespace, whoever sent the flood.
  const astray = where === 'client' ? back : countArrivals(world, 'client', id);
  world.reserveConntrack(flows);
  try {
    const before = await readLosses(world);
    const mac = nodeMac(where === 'client' ? CLIENT_LINK : REMOTE_LINK);
    const args = ['eth0', mac, sources.first, sources.count, destination, port, firstFlow, flows, id, rate];
    // A tenth of the slowest rate seen.
    const timeoutMs = 60_000 + flows / 5 + (rate === 0 ? 0 : (flows / rate) * 1000);
    const [line] = await runHelper(world, where, 'flood_udp', args, { timeoutMs });
    const [sent, seconds] = (line ?? '').split(' ').map(Number);
    if (sent !== flows || seconds === undefined) throw new Error(`flood_udp.py reported: ${line}`);
    const { total, endpoints } = await settledArrivals(counters, sent);
    return {
      sent,
      arrived: total,
      failed: sent - total,
      endpoints,
      untranslated: (await astray.read()).total,
      icmpErrors: await back.readIcmpErrors(),
      losses: lossesBetween(before, await readLosses(world)),
      seconds,
      rate: sent / seconds,
    };
  } finally {
    for (const counter of new Set([...counters, back, astray])) await counter.remove();
  }
}

/** The arrivals once all have come, or three readings in a row were the same: what is queued goes on its way in µs. */
async function settledArrivals(counters: readonly ArrivalCounter[], expected: number): Promise<Arrivals> {
  let last = await sumArrivals(counters);
  for (let unchanged = 0; last.total < expected && unchanged < 3; ) {
    await sleep(50);
    const next = await sumArrivals(counters);
    unchanged = next.total === last.total ? unchanged + 1 : 0;
    last = next;
  }
  return last;
}

async function sumArrivals(counters: readonly ArrivalCounter[]): Promise<Arrivals> {
  const endpoints: Record<string, number> = {};
  let total = 0;
  for (const counter of counters) {
    const here = await counter.read();
    total += here.total;
    for (const [endpoint, count] of Object.entries(here.endpoints)) {
      endpoints[endpoint] = (endpoints[endpoint] ?? 0) + count;
    }
  }
  return { total, endpoints };
}

function defaultSources(where: 'client' | 'remote', destination: string): { first: string; count: number } {
  const ip6 = destination.includes(':');
  const first = where === 'client' ? (ip6 ? '2001:db8:18::1' : '198.18.0.1') : ip6 ? 'fd00:33::100' : '10.33.1.0';
  return { first, count: DEFAULT_SOURCES };
}
