import { Conntrack } from '../conntrack/conntrack.ts';
import { ConntrackReconciler } from '../conntrack/reconciler.ts';
import type { ProxyHealth } from '../health/proxy-health.ts';
import { ServiceHealthServers } from '../health/service-health.ts';
import type { Family } from '../ip.ts';
import { LocalhostNodePorts } from '../localhost/node-port-listeners.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Cluster } from '../service/cluster.ts';
import { healthCheckOf } from '../service/health-check.ts';
import { localhostNodePortsOf } from '../service/localhost-node-ports.ts';
import { noLocalEndpointsOf } from '../service/no-local-endpoints.ts';
import { type UdpFrontend, udpFrontendsOf } from '../service/udp-frontends.ts';
import type { EventSink } from '../source/event-sink.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import type { SyncObserver, SyncResult } from '../sync/observer.ts';
import type { Arguments } from './arguments.ts';
import { healthCheckAddresses, localAddresses, servesLocalhost } from './node-addresses.ts';

export interface FollowersOptions {
  readonly cluster: Cluster;
  readonly models: readonly FamilyModel[];
  readonly args: Pick<Arguments, 'nodePortAddresses'>;
  readonly metrics: Metrics;
  readonly health: ProxyHealth;
  readonly events: EventSink;
  readonly log: Log;
}

/**
 * All that follows the rules, once they are in force: health checks of Services, listeners on loopback, stale UDP flows,
 * and the numbers. What a transaction costs here depends on the Services it brought, not on the cluster.
 */
export class Followers {
  readonly #options: FollowersOptions;
  readonly #serviceHealth: ServiceHealthServers;
  /** Services with a health check. */
  readonly #checked = new Set<string>();
  readonly #localhost: LocalhostNodePorts;
  readonly #conntrack: Conntrack;
  readonly #reconcilers: ReadonlyMap<Family, ConntrackReconciler>;

  constructor(options: FollowersOptions) {
    const { models, metrics, health, events, log } = options;
    this.#options = options;
    this.#serviceHealth = new ServiceHealthServers({
      isProxyHealthy: () => health.isHealthy,
      log,
      onListenFailure: ({ namespace, name }, message) =>
        events.event({
          type: 'Warning',
          reason: 'FailedToStartServiceHealthcheck',
          message,
          about: { namespace, name },
        }),
    });
    this.#localhost = new LocalhostNodePorts(log, {
      onListeners: (family, count) => metrics.family(family).localhostListeners(count),
      onFailure: (family) => metrics.family(family).localhostListenerFailed(),
    });
    this.#conntrack = new Conntrack(log);
    this.#reconcilers = new Map(models.map((model) => [model.family, this.#createReconciler(model)]));
  }

  /** What a syncer of `model` is to tell. */
  observer(model: FamilyModel): SyncObserver {
    const { metrics, health } = this.#options;
    const { family } = model;
    const numbers = metrics.family(family);
    return {
      ...numbers,
      queued: () => {
        numbers.queued();
        health.queued(family);
      },
      // Without any change of the cluster: rules that cannot be mended make the node unhealthy, too.
      failed: () => {
        numbers.failed();
        health.queued(family);
      },
      lost: () => {
        numbers.lost();
        health.queued(family);
      },
      confirmed: () => {
        numbers.confirmed();
        // Interface addresses come and go without any change in the cluster.
        this.#answerChecks();
      },
      succeeded: (result) => {
        numbers.succeeded(result);
        numbers.elements(model.ruleset.size);
        health.synced(family);
        if (model.isBehind) health.queued(family);
        this.#follow(model, result);
      },
    };
  }

  /** Stops what runs beside this process. */
  close(): void {
    for (const reconciler of this.#reconcilers.values()) reconciler.stop();
    this.#conntrack.stop();
  }

  #follow(model: FamilyModel, { kind, services }: SyncResult): void {
    const { metrics, args } = this.#options;
    const { noLocalEndpoints } = metrics.family(model.family);
    const onLoopback = servesLocalhost(args.nodePortAddresses, model.family);
    if (kind === 'full') noLocalEndpoints.clear();
    for (const key of services) {
      const frontends = model.frontendsOf(key);
      noLocalEndpoints.set(key, noLocalEndpointsOf(frontends));
      if (onLoopback) this.#localhost.set(`${key} ${model.family}`, localhostNodePortsOf(frontends));
    }
    const reconciler = this.#reconcilers.get(model.family);
    // Flows may have become stale while nobody looked: before the start, or when rules were missing.
    if (kind === 'full') reconciler?.requestAll();
    else reconciler?.request(services.flatMap((key) => this.#udpFrontends(model, key)));
    this.#updateChecks(services);
  }

  /** A health check tells load balancers to come here: not before all families of the Service are in force. */
  #updateChecks(services: readonly string[]): void {
    const { cluster, models } = this.#options;
    let changed = false;
    for (const key of services) {
      if (models.some((model) => model.isPending(key) && this.#hasFamily(key, model.family))) continue;
      const service = cluster.service(key);
      const check = service && healthCheckOf(service, cluster.slicesOf(key), cluster.nodeName);
      if (check === undefined && !this.#checked.delete(key)) continue;
      if (check !== undefined) this.#checked.add(key);
      this.#serviceHealth.set(key, check);
      changed = true;
    }
    if (changed) this.#answerChecks();
  }

  #answerChecks(): void {
    const { cluster, args } = this.#options;
    void this.#serviceHealth.apply(
      this.#checked.size === 0 ? [] : healthCheckAddresses(args.nodePortAddresses, cluster.node),
    );
  }

  #hasFamily(serviceKey: string, family: Family): boolean {
    const addresses = this.#options.cluster.service(serviceKey)?.clusterIps ?? [];
    return addresses.some((address) => address.includes(':') === (family === 'ip6'));
  }

  #createReconciler(model: FamilyModel): ConntrackReconciler {
    const { family } = model;
    const { cluster, metrics } = this.#options;
    const udpFrontends = (key: string) => this.#udpFrontends(model, key);
    return new ConntrackReconciler({
      family,
      conntrack: this.#conntrack,
      *allFrontends() {
        for (const key of cluster.serviceKeys()) yield* udpFrontends(key);
      },
      isNodeAddress: cachedIsLocal(),
      onPass: ({ seconds, deleted }) => metrics.family(family).conntrackReconciled(seconds, deleted),
    });
  }

  #udpFrontends(model: FamilyModel, key: string): readonly UdpFrontend[] {
    const { cluster } = this.#options;
    const service = cluster.service(key);
    return service === undefined ? [] : udpFrontendsOf(service, cluster.slicesOf(key), model.frontendsOf(key));
  }
}

/** Milliseconds for which the interfaces' addresses are taken to be the same: a listing asks for each of its flows. */
const ADDRESSES_VALID = 1000;

function cachedIsLocal(): (address: string) => boolean {
  let read = -Infinity;
  let addresses: ReadonlySet<string> = new Set();
  return (address) => {
    const now = performance.now();
    if (now - read > ADDRESSES_VALID) {
      read = now;
      addresses = localAddresses();
    }
    return addresses.has(address);
  };
}
