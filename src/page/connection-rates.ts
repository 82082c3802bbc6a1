import type { PageRates } from './shapes.ts';
import type { Rates, StepRing } from './step-ring.ts';

/** What the kernel has counted of the new connections to one port of a Service. */
export interface CountedPort {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly protocol: string;
  readonly result: keyof Rates;
  readonly connections: number;
}

/** A reading of the kernel's counters; `counted` false: there are none, for the reason `why`. */
export interface Connections {
  readonly counted: boolean;
  readonly why?: string | undefined;
  readonly ports: readonly CountedPort[];
}

/** Milliseconds from one reading to the next, while somebody asks; without anybody the last one is forgotten after so long. */
const READ_EVERY = 5000;
const FORGET_AFTER = 60_000;

/** Services that one answer names: the busiest. */
const NAMED = 500;

const NOTHING: PageRates = { counted: true, services: [], left: 0, total: null };

export interface ConnectionRatesOptions {
  /** Reads the counters. */
  readonly read: () => Promise<Connections>;
  readonly ring: StepRing;
  /** Milliseconds of a steady clock. */
  readonly elapsed?: () => number;
}

/** New connections a second, from two readings of the kernel's counters: only while somebody asks is anything read or kept. */
export class ConnectionRates {
  readonly #options: ConnectionRatesOptions;
  readonly #elapsed: () => number;
  #last: { readonly at: number; readonly byPort: ReadonlyMap<string, number> } | undefined;
  #answer: PageRates = NOTHING;
  #reading: Promise<void> | undefined;
  #forget: NodeJS.Timeout | undefined;

  constructor(options: ConnectionRatesOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** As the kernel has it now, or a few seconds ago. Rejects where it cannot be read. */
  async now(): Promise<PageRates> {
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => {
      this.#last = undefined;
      this.#answer = NOTHING;
    }, FORGET_AFTER).unref();
    if (this.#last === undefined || this.#elapsed() - this.#last.at >= READ_EVERY) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#answer;
  }

  async #read(): Promise<void> {
    const { counted, why, ports } = await this.#options.read();
    const at = this.#elapsed();
    const byPort = new Map<string, number>();
    for (const port of ports) byPort.set(keyOf(port), port.connections);
    const before = this.#last;
    this.#last = { at, byPort };
    if (!counted) this.#answer = { ...NOTHING, counted, why };
    else if (before !== undefined && at > before.at) this.#answer = this.#rates(ports, before, (at - before.at) / 1000);
  }

  #rates(
    ports: readonly CountedPort[],
    before: { readonly byPort: ReadonlyMap<string, number> },
    seconds: number,
  ): PageRates {
    const total = { served: 0, refused: 0, dropped: 0 };
    const services = new Map<string, { served: number; refused: number; dropped: number }>();
    for (const port of ports) {
      const known = before.byPort.get(keyOf(port)) ?? 0;
      // A counter that was made anew began at none.
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

function keyOf({ namespace, service, port, protocol, result }: CountedPort): string {
  return `${namespace}/${service}:${port}/${protocol} ${result}`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
