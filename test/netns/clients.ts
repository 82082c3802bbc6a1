import { runHelper } from './helper-program.ts';
import type { Where, World } from './world.ts';

/** The server that answered, and the client as the server saw it. */
interface Answer {
  /** "10.32.0.15:3306" or "[fd00:32::15]:3306". */
  readonly endpoint: string;
  readonly client: string;
  readonly clientPort: number;
}

/**
 * `refused`: a TCP reset or an ICMP port unreachable; `unreachable`: ICMP host or net unreachable or no route;
 * `prohibited`: ICMP administratively prohibited; `closed`: the connection ended without an answer;
 * anything else is the name of an errno.
 */
type FailureKind = 'refused' | 'reset' | 'timeout' | 'unreachable' | 'prohibited' | 'closed' | (string & {});
interface Failure {
  readonly error: FailureKind;
}
export type Outcome = Answer | Failure;

export interface ExchangeOptions {
  readonly address: string;
  readonly port: number;
  /** New flows to make. Default 1. */
  readonly count?: number;
  /** The (first) source address, local to the place. Default: the kernel's choice. */
  readonly source?: string;
  /** Consecutive source addresses from `source` on, used in turn. Default 1. */
  readonly sources?: number;
  /** A fixed source port, for one flow after another. Default: the kernel's choice. */
  readonly sourcePort?: number;
  /** Flows in flight at a time. Default 32 (1 with a fixed source port). */
  readonly concurrency?: number;
  /** Milliseconds each flow waits for its answer. Default 2,000. */
  readonly timeoutMs?: number;
}

/** Makes new TCP connections and reads each one's answer. Outcomes are in the order the connections were begun. */
export function connectTcp(world: World, where: Where, options: ExchangeOptions): Promise<Outcome[]> {
  return exchange(world, where, 'tcp', options);
}

/** Sends one datagram on each of `count` new flows and waits for its answer. Outcomes as in connectTcp. */
export function exchangeUdp(world: World, where: Where, options: ExchangeOptions): Promise<Outcome[]> {
  return exchange(world, where, 'udp', options);
}

/** How often each endpoint answered, and each kind of failure came: {"10.32.0.15:80": 3, "refused": 1}. */
export function tally(outcomes: readonly Outcome[]): Record<string, number> {
  return count(outcomes.map((outcome) => ('error' in outcome ? outcome.error : outcome.endpoint)));
}

/** The client addresses the servers saw, each with its number. */
export function clientsSeen(outcomes: readonly Outcome[]): Record<string, number> {
  return count(outcomes.flatMap((outcome) => ('error' in outcome ? [] : [outcome.client])));
}

/** A flood ends early after so many failures: if nothing answers, waiting for every one of them would take hours. */
const GIVE_UP = 500;

/** What came of a run of TCP connections. */
export interface TcpFlood {
  /** Connections tried: fewer than requested when 500 of them had failed. */
  readonly connections: number;
  readonly answered: number;
  /** connections − answered. */
  readonly failed: number;
  /** Answers of each endpoint. */
  readonly endpoints: Record<string, number>;
  readonly failures: Record<FailureKind, number>;
  readonly seconds: number;
  /** Connections per second. */
  readonly rate: number;
}

/** `port`, `concurrency` and the rest as in ExchangeOptions. */
export interface TcpFloodOptions extends Omit<ExchangeOptions, 'count' | 'sourcePort'> {
  readonly connections: number;
}

/**
 * Makes complete TCP connections as fast as one process can: each is opened, reads its server's answer, and is reset.
 * For the node every one is a new connection. Reading the answers keeps the servers' accept queues short, so the only
 * way to lose a connection is on its way.
 */
export async function floodTcp(world: World, where: Where, options: TcpFloodOptions): Promise<TcpFlood> {
  const begun = performance.now();
  const lines = await runClient(world, where, 'tcp', { ...options, count: options.connections }, 'tally');
  const seconds = (performance.now() - begun) / 1000;
  const endpoints: Record<string, number> = {};
  const failures: Record<string, number> = {};
  let answered = 0;
  let connections = 0;
  for (const line of lines) {
    const [number, mark, kind] = line.split(' ');
    const table = mark === '!' ? failures : endpoints;
    const key = (mark === '!' ? kind : mark) ?? '';
    table[key] = (table[key] ?? 0) + Number(number);
    connections += Number(number);
    if (mark !== '!') answered += Number(number);
  }
  return {
    connections,
    answered,
    failed: connections - answered,
    endpoints,
    failures,
    seconds,
    rate: connections / seconds,
  };
}

async function exchange(world: World, where: Where, protocol: 'tcp' | 'udp', options: ExchangeOptions) {
  const lines = await runClient(world, where, protocol, options, 'list');
  const expected = options.count ?? 1;
  if (lines.length !== expected) throw new Error(`client.py reported ${lines.length} outcomes of ${expected}`);
  return lines.map(parseOutcome);
}

function runClient(world: World, where: Where, protocol: string, options: ExchangeOptions, mode: 'list' | 'tally') {
  const { address, port, count = 1, source = '-', sources = 1, sourcePort = 0, timeoutMs = 2000 } = options;
  const concurrency = options.concurrency ?? (sourcePort === 0 ? 32 : 1);
  const args = [
    protocol,
    address,
    port,
    count,
    concurrency,
    timeoutMs / 1000,
    source,
    sources,
    sourcePort,
    mode,
    GIVE_UP,
  ];
  // However many time out, they do so `concurrency` at a time; 1 ms for each that does not.
  const limit = 30_000 + count + Math.ceil(count / concurrency) * timeoutMs;
  return runHelper(world, where, 'client', args, { timeoutMs: limit });
}

function parseOutcome(line: string): Outcome {
  const [first, second, third] = line.split(' ');
  if (first === '!' && second !== undefined) return { error: second };
  if (first === undefined || second === undefined || third === undefined) {
    throw new Error(`not an answer of servers.py: ${line}`);
  }
  return { endpoint: first, client: second, clientPort: Number(third) };
}

function count(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
