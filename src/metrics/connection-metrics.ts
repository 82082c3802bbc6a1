import Counter from 'prom-client/lib/counter.js';
import type Registry from 'prom-client/lib/registry.js';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { CONNECTION_RESULTS, type Connections, type PortConnections } from '../status/connections.ts';

/** Labels of a sample; all but `result` are empty for what is summed up. */
interface Labels {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly result: PortConnections['result'];
}

/** A sample, and its value. */
export interface ConnectionSample {
  readonly labels: Labels;
  readonly value: number;
}

/**
 * Samples of the busiest ports of Services, `most` of them at most; what others have is summed up. The sum only grows: a port
 * that comes to be one of the busiest takes nothing out of it, and one that is no more adds what it has from then on.
 */
export class BusiestPorts {
  readonly #most: number;
  readonly #rest = new Map<string, number>(CONNECTION_RESULTS.map((result) => [result, 0]));
  #last: ReadonlyMap<string, number> = new Map();

  constructor(most: number) {
    this.#most = most;
  }

  /** The samples after a reading. */
  take(ports: readonly PortConnections[]): readonly ConnectionSample[] {
    const totals = new Map<string, number>();
    for (const one of ports) totals.set(idOf(one), (totals.get(idOf(one)) ?? 0) + one.connections);
    const busiest = new Set(
      [...totals]
        .toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
        .slice(0, this.#most)
        .map(([id]) => id),
    );
    const now = new Map<string, number>();
    const samples: ConnectionSample[] = [];
    for (const one of ports) {
      const { namespace, service, port, result, connections } = one;
      const id = `${idOf(one)} ${result}`;
      now.set(id, connections);
      if (busiest.has(idOf(one))) {
        samples.push({ labels: { namespace, service, port, result }, value: connections });
      } else {
        const news = Math.max(0, connections - (this.#last.get(id) ?? 0));
        this.#rest.set(result, (this.#rest.get(result) ?? 0) + news);
      }
    }
    this.#last = now;
    const none = { namespace: '', service: '', port: '' };
    const rest = CONNECTION_RESULTS.map((result) => ({
      labels: { ...none, result },
      value: this.#rest.get(result) ?? 0,
    }));
    return [...samples, ...rest];
  }
}

function idOf({ namespace, service, port }: PortConnections): string {
  return [namespace, service, port].join(' ');
}

/** Where a scrape has new connections from, and of how many ports of Services it has samples at most. */
export interface ConnectionMetricsOptions {
  readonly most: number;
  readonly read: () => Promise<Connections>;
}

/** Adds the metric. What cannot be read is as it was at the last scrape, with one warning until it can again. */
export function addConnectionMetrics(registry: Registry, { most, read }: ConnectionMetricsOptions, log: Log): void {
  const ports = new BusiestPorts(most);
  let works = true;
  new Counter({
    name: 'kubeproxy_nft_service_connections_total',
    help: 'New connections to a port of a Service, by what became of them; without names: those to all other ports.',
    labelNames: ['namespace', 'service', 'port', 'result'],
    registers: [registry],
    async collect() {
      try {
        const { counted, why = '', ports: found } = await read();
        if (!counted) {
          if (works) log.warn(`the metrics lack new connections: ${why}`);
          works = false;
          return;
        }
        works = true;
        this.reset();
        for (const { labels, value } of ports.take(found)) this.inc({ ...labels }, value);
      } catch (error) {
        if (works) log.warn(`the metrics lack new connections: ${messageOf(error)}`);
        works = false;
      }
    },
  });
}
