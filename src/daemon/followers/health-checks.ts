import type { Arguments } from '../../config/arguments.ts';
import { ServiceHealthServers } from '../../health/service-health.ts';
import type { Log } from '../../log.ts';
import type { Cluster } from '../../service/cluster.ts';
import { healthCheckSteps } from '../../service/health-check.ts';
import type { Steps } from '../../service/steps.ts';
import type { EventSink } from '../../source/event-sink.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import { inSlices } from '../../sync/slices.ts';
import { healthCheckAddresses } from '../node-addresses.ts';

export interface HealthChecksOptions {
  readonly cluster: Cluster;
  readonly models: readonly FamilyModel[];
  readonly args: Pick<Arguments, 'nodePortAddresses'>;
  /** While it is false, no Service is healthy here. */
  readonly isProxyHealthy: () => boolean;
  readonly events: EventSink;
  readonly log: Log;
}

/**
 * The health checks of Services (healthCheckNodePort). They attract load balancers, so each follows what is in force in all
 * families of its Service.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #servers: ServiceHealthServers;
  /** Services with a health check. */
  readonly #checked = new Set<string>();
  /** Endpoints are counted in slices, one transaction after the other. */
  #queue: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: HealthChecksOptions) {
    const { isProxyHealthy, events, log } = options;
    this.#options = options;
    this.#servers = new ServiceHealthServers({
      isProxyHealthy,
      log,
      onListenFailure: ({ namespace, name }, message) =>
        events.event({
          type: 'Warning',
          reason: 'FailedToStartServiceHealthcheck',
          message,
          about: { namespace, name },
        }),
    });
  }

  /** Call it when a transaction with these Services (keys) is in force. */
  follow(services: readonly string[]): void {
    const { cluster } = this.#options;
    // The usual case: none of them. This runs for each Service of a transaction.
    const concerned = services.filter(
      (key) => cluster.service(key)?.healthCheckNodePort !== undefined || this.#checked.has(key),
    );
    if (concerned.length === 0) return;
    this.#queue = this.#queue.then(async () => {
      if (!this.#isStopped && (await inSlices(this.#updateSteps(concerned)))) this.listen();
    });
  }

  /** Opens and closes ports, for the node's current addresses. */
  listen(): void {
    const { cluster, models, args } = this.#options;
    const families = models.map(({ family }) => family);
    void this.#servers.apply(
      this.#checked.size === 0 ? [] : healthCheckAddresses(args.nodePortAddresses, cluster.node, families),
    );
  }

  /** Stops permanently. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Returns whether anything was updated. */
  *#updateSteps(services: readonly string[]): Steps<boolean> {
    const { cluster } = this.#options;
    let changed = false;
    for (const key of services) {
      if (this.#isPending(key)) continue;
      const service = cluster.service(key);
      const check = service && (yield* healthCheckSteps(service, cluster.slicesOf(key), cluster.nodeName));
      // A newer change came meanwhile. Its transaction updates the check.
      if (this.#isPending(key)) continue;
      if (check === undefined && !this.#checked.delete(key)) continue;
      if (check !== undefined) this.#checked.add(key);
      this.#servers.set(key, check);
      changed = true;
    }
    return changed;
  }

  /** Whether a change of the Service is not in force yet in one of its families. */
  #isPending(key: string): boolean {
    const { cluster, models } = this.#options;
    const addresses = cluster.service(key)?.clusterIps ?? [];
    return models.some(
      (model) =>
        model.isPending(key) && addresses.some((address) => address.includes(':') === (model.family === 'ip6')),
    );
  }
}
