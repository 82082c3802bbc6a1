import type { ConnectionResult, Connections, PortConnections } from '../status/connections.ts';
import type { PageRates } from './shapes.ts';
import type { StepRing } from './step-ring.ts';

/** Milliseconds between readings while there are requests. After this long without one, the last reading is forgotten. */
const READ_EVERY = 5000;
const FORGET_AFTER = 60_000;

/** How many Services an answer names: the busiest. */
const NAMED = 500;

const NOTHING: PageRates = { counted: true, services: [], left: 0, total: null };

/** What was counted at the last reading of the kernel. */
interface Reading {
  readonly readAt: number;
  readonly byPort: ReadonlyMap<string, number>;
}

export interface ConnectionRatesOptions {
  /** Reads the counters. */
  readonly read: () => Promise<Connections>;
  readonly ring: StepRing;
  /** Milliseconds of a steady clock. */
  readonly elapsed?: () => number;
}

/**
 * New connections per second, from two readings of the kernel's counters. Nothing is read or stored without a request.
 */
export class ConnectionRates {
  readonly #options: ConnectionRatesOptions;
  readonly #elapsed: () => number;
  #last: Reading | undefined;
  /** When that was. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  #answer: PageRates = NOTHING;
  #reading: Promise<void> | undefined;
  #forget: NodeJS.Timeout | undefined;

  constructor(options: ConnectionRatesOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** The rates now, or a few seconds ago. Rejects if the kernel cannot be read. */
  async now(): Promise<PageRates> {
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => {
      this.#last = undefined;
      this.#answer = NOTHING;
    }, FORGET_AFTER).unref();
    if (this.#last === undefined || this.#elapsed() - this.#lookedAt >= READ_EVERY) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#answer;
  }

  async #read(): Promise<void> {
    const { readAt, counted, why, ports } = await this.#options.read();
    this.#lookedAt = this.#elapsed();
    const before = this.#last;
    // The kernel has not been read since. With much to read, that takes long.
    if (before?.readAt === readAt) return;
    const byPort = new Map<string, number>();
    for (const port of ports) byPort.set(keyOf(port), port.connections);
    this.#last = { readAt, byPort };
    if (!counted) this.#answer = { ...NOTHING, counted, why };
    else if (before !== undefined && readAt > before.readAt) this.#answer = this.#rates(ports, before, readAt);
  }

  #rates(ports: readonly PortConnections[], before: Reading, readAt: number): PageRates {
    const seconds = (readAt - before.readAt) / 1000;
    const total = { served: 0, refused: 0, dropped: 0 };
    const services = new Map<string, Record<ConnectionResult, number>>();
    for (const port of ports) {
      const known = before.byPort.get(keyOf(port)) ?? 0;
      // A counter that was created again started from 0.
      const more = port.connections >= known ? port.connections - known : port.connections;
      if (more === 0) continue;
      const key = `${port.namespace}/${port.service}`;
      const ofService = services.get(key) ?? { served: 0, refused: 0, dropped: 0 };
      ofService[port.result] += more / seconds;
      total[port.result] += more / seconds;
      services.set(key, ofService);
    }
    this.#options.ring.counted(total);
    const busiest = [...services]
      .map(([key, { served, refused, dropped }]) => [key, rounded(served), rounded(refused), rounded(dropped)] as const)
      .toSorted((a, b) => b[1] + b[2] + b[3] - (a[1] + a[2] + a[3]));
    const left = Math.max(0, busiest.length - NAMED);
    return { counted: true, services: busiest.slice(0, NAMED), left, total };
  }
}

function keyOf({ namespace, service, port, protocol, result }: PortConnections): string {
  return `${namespace}/${service}:${port}/${protocol} ${result}`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
