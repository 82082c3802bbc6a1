import type { Arguments } from '../../config/arguments.ts';
import { messageOf } from '../../errors.ts';
import { ServiceHealthServers } from '../../health/service-health.ts';
import type { Family } from '../../ip.ts';
import type { Log } from '../../log.ts';
import type { Cluster } from '../../service/cluster.ts';
import type { Frontend } from '../../service/frontend.ts';
import { healthCheckSteps } from '../../service/health-check.ts';
import type { Steps } from '../../service/steps.ts';
import type { EventSink } from '../../source/event-sink.ts';
import { FairQueue } from '../../sync/fair-queue.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import { inSlices } from '../../sync/slices.ts';
import { namespaceOf } from '../../sync/waiting-frontends.ts';
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

/** Services that are updated until ports are opened and closed. */
const FEW = 64;

/**
 * The health checks of Services (healthCheckNodePort). They attract load balancers, so an endpoint counts only once it is in
 * force, and no longer than it is ready.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #servers: ServiceHealthServers;
  /** Services with a health check. */
  readonly #checked = new Set<string>();
  /** The frontends of a Service in each family, as of the last transaction with one of its changes. */
  readonly #inForce = new Map<string, Map<Family, readonly Frontend[]>>();
  /** Services to update, by namespace: nobody's Services wait for all of another's. */
  readonly #queue = new FairQueue<string>();
  #isWorking = false;
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

  /** Call it when a transaction of `model` with these Services (keys) is in force. */
  follow(model: FamilyModel, services: readonly string[]): void {
    const { cluster } = this.#options;
    for (const key of services) {
      // The usual case: none of them. This runs for each Service of a transaction.
      if (cluster.service(key)?.healthCheckNodePort === undefined && !this.#checked.has(key)) continue;
      const inForce = this.#inForce.get(key) ?? new Map<Family, readonly Frontend[]>();
      // As they are now. While the count waits, the model goes on.
      this.#inForce.set(key, inForce.set(model.family, model.frontendsOf(key)));
      this.#queue.add(namespaceOf(key), key);
    }
    if (this.#queue.size > 0 && !this.#isWorking) void this.#work();
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

  /** Updates what waits, in slices. Never rejects. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    let updated = 0;
    for (let key = this.#queue.next(); key !== undefined && !this.#isStopped; key = this.#queue.next()) {
      try {
        await inSlices(this.#updateSteps(key));
      } catch (error) {
        this.#options.log.error('the health check of a Service was not updated', messageOf(error), { service: key });
      }
      updated++;
      if (this.#queue.size === 0 || updated % FEW === 0) this.listen();
    }
    this.#isWorking = false;
  }

  *#updateSteps(key: string): Steps<void> {
    const { cluster } = this.#options;
    const service = cluster.service(key);
    const inForce = this.#isPending(key) ? this.#inForce.get(key) : undefined;
    const check = service && (yield* healthCheckSteps(service, cluster.slicesOf(key), cluster.nodeName, inForce));
    if (check === undefined) {
      this.#inForce.delete(key);
      this.#checked.delete(key);
    } else {
      this.#checked.add(key);
    }
    this.#servers.set(key, check);
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
