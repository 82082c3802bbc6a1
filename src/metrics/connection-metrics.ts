import Counter from 'prom-client/lib/counter.js';
import type Registry from 'prom-client/lib/registry.js';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { LIMIT_RESULTS, type LimitResult } from '../ruleset/program/limits.ts';
import { CONNECTION_RESULTS, type Connections, type LimitedService } from '../status/connections.ts';

/** Labels of a sample. For sums, all except `result` are empty. */
interface Labels<Result extends string> {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly result: Result;
}

/** Connections with one result, to a port of a Service, or to a whole Service: then `port` is empty. */
type Counted<Result extends string> = Labels<Result> & { readonly connections: number };

/** A sample, and its value. */
export interface ConnectionSample<Result extends string> {
  readonly labels: Labels<Result>;
  readonly value: number;
}

/**
 * Samples of the busiest ports of Services, or of the busiest Services, at most `most` of them. The others are added up. The
 * sum only grows: a port or Service that becomes one of the busiest takes nothing out of it. One that no longer is one adds
 * what it counts from then on.
 */
export class BusiestSamples<Result extends string> {
  readonly #most: number;
  readonly #rest: Map<Result, number>;
  #last: ReadonlyMap<string, number> = new Map();

  constructor(most: number, results: readonly Result[]) {
    this.#most = most;
    this.#rest = new Map(results.map((result) => [result, 0]));
  }

  /** The samples after a reading. */
  take(counts: readonly Counted<Result>[]): readonly ConnectionSample<Result>[] {
    const totals = new Map<string, number>();
    for (const one of counts) totals.set(idOf(one), (totals.get(idOf(one)) ?? 0) + one.connections);
    const busiest = new Set(
      [...totals]
        .toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
        .slice(0, this.#most)
        .map(([id]) => id),
    );
    const now = new Map<string, number>();
    const samples: ConnectionSample<Result>[] = [];
    for (const one of counts) {
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
    const rest = [...this.#rest].map(([result, value]) => ({ labels: { ...none, result }, value }));
    return [...samples, ...rest];
  }
}

function idOf({ namespace, service, port }: Pick<Counted<string>, 'namespace' | 'service' | 'port'>): string {
  return [namespace, service, port].join(' ');
}

/** Where a scrape gets new connections, and how many ports, and how many Services with limits, have samples at most. */
export interface ConnectionMetricsOptions {
  readonly most: number;
  readonly read: () => Promise<Connections>;
}

/** Adds the metrics. If reading fails, the values of the last scrape stay, with one warning until it works again. */
export function addConnectionMetrics(registry: Registry, { most, read }: ConnectionMetricsOptions, log: Log): void {
  const ports = new BusiestSamples(most, CONNECTION_RESULTS);
  let works = true;
  const failed = (why: string) => {
    if (works) log.warn(`metrics of new connections are missing: ${why}`);
    works = false;
  };
  new Counter({
    name: 'kubeproxy_nft_service_connections_total',
    help: 'New connections to a port of a Service, by result; without names: those to all other ports.',
    labelNames: ['namespace', 'service', 'port', 'result'],
    registers: [registry],
    async collect() {
      try {
        const { counted, why = '', ports: found } = await read();
        if (!counted) return failed(why);
        works = true;
        this.reset();
        for (const { labels, value } of ports.take(found)) this.inc({ ...labels }, value);
      } catch (error) {
        failed(messageOf(error));
      }
    },
  });
  const services = new BusiestSamples(most, LIMIT_RESULTS);
  new Counter({
    name: 'kubeproxy_nft_service_limited_connections_total',
    help: 'New connections to a Service with limits: refused by one, or served without one; without names: to all other Services.',
    labelNames: ['namespace', 'service', 'result'],
    registers: [registry],
    async collect() {
      // The collector above reports failures.
      const answer = await read().catch(() => undefined);
      if (answer === undefined) return;
      this.reset();
      for (const { labels, value } of services.take((answer.limited ?? []).flatMap(resultsOf))) {
        const { port: _, ...names } = labels;
        this.inc(names, value);
      }
    },
  });
}

/** What was counted of a Service with limits, for each result. */
function resultsOf({ namespace, service, ...counts }: LimitedService): readonly Counted<LimitResult>[] {
  return LIMIT_RESULTS.flatMap((result) => {
    const connections = counts[result];
    return connections === undefined ? [] : [{ namespace, service, port: '', result, connections }];
  });
}
