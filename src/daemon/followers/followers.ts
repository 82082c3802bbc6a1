import { isNeededByAll } from '../../audit/drift.ts';
import type { Arguments } from '../../config/arguments.ts';
import { Conntrack } from '../../conntrack/conntrack.ts';
import { GoneFlows } from '../../conntrack/gone-flows.ts';
import type { ConntrackPass } from '../../conntrack/reconciler.ts';
import type { ProxyHealth } from '../../health/proxy-health.ts';
import type { Family } from '../../ip.ts';
import { LocalhostNodePorts } from '../../localhost/node-port-listeners.ts';
import type { Log } from '../../log.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { NftError } from '../../nft/run.ts';
import type { Cluster } from '../../service/cluster.ts';
import { localhostNodePortsOf } from '../../service/localhost-node-ports.ts';
import { noLocalEndpointsOf } from '../../service/no-local-endpoints.ts';
import type { EventSink } from '../../source/event-sink.ts';
import type { Status } from '../../status/status.ts';
import { CleanupError } from '../../sync/cleanup-error.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import type { SyncObserver, SyncResult } from '../../sync/observer.ts';
import { driftEvent } from '../events/drift-event.ts';
import { servesLocalhost } from '../node-addresses.ts';
import { GoneEndpoints } from './gone-endpoints.ts';
import { HealthChecks } from './health-checks.ts';
import { UdpFlows } from './udp-flows.ts';

export interface FollowersOptions {
  readonly cluster: Cluster;
  readonly models: readonly FamilyModel[];
  readonly args: Pick<
    Arguments,
    'nodePortAddresses' | 'nodePortSourceRanges' | 'detectLocal' | 'podCidrs' | 'resetGoneEndpoints'
  >;
  readonly metrics: Metrics;
  readonly health: ProxyHealth;
  readonly events: EventSink;
  readonly log: Log;
}

const NOTHING_NEW: SyncResult = { kind: 'partial', operations: 0, services: [] };

/**
 * Everything that follows the rules once they are in force: health checks of Services, listeners on loopback, stale UDP
 * flows, and metrics. The cost for a transaction depends on its Services, not on the cluster.
 */
export class Followers {
  readonly #options: FollowersOptions;
  readonly #healthChecks: HealthChecks;
  readonly #localhost: LocalhostNodePorts;
  readonly #conntrack: Conntrack;
  readonly #udpFlows: ReadonlyMap<Family, UdpFlows>;
  readonly #goneFlows: ReadonlyMap<Family, GoneFlows>;
  #ended = 0;
  /** Receives changes of slices. */
  readonly gone: GoneEndpoints;
  /** Families whose UDP flows must all be checked. */
  readonly #putOff = new Set<Family>();

  constructor(options: FollowersOptions) {
    const { cluster, models, args, metrics, health, events, log } = options;
    this.#options = options;
    this.#healthChecks = new HealthChecks({
      cluster,
      models,
      args,
      // A saved state does not tell which endpoints are left on this node, so load balancers should go elsewhere.
      isProxyHealthy: () => health.isHealthy && health.staleSince === undefined,
      events,
      log,
    });
    this.#localhost = new LocalhostNodePorts(log, {
      onListeners: (family, count) => metrics.family(family).localhostListeners(count),
      onFailure: (family) => metrics.family(family).localhostListenerFailed(),
    });
    const conntrack = new Conntrack(log);
    this.#conntrack = conntrack;
    this.#udpFlows = new Map(
      models.map((model) => {
        const onPass = ({ family, seconds, deleted }: ConntrackPass) =>
          metrics.family(family).conntrackReconciled(seconds, deleted);
        return [model.family, new UdpFlows({ cluster, model, args, conntrack, onPass })];
      }),
    );
    this.#goneFlows = new Map(models.map(({ family }) => [family, this.#goneFlowsOf(family)]));
    this.gone = new GoneEndpoints({
      cluster,
      models,
      args,
      flows: this.#goneFlows,
      isCurrent: () => health.staleSince === undefined,
    });
  }

  /** For `status`: what happened to connections to removed endpoints. */
  get resets(): Status['resets'] {
    const isEnabled = this.#options.args.resetGoneEndpoints || this.#ended > 0;
    return isEnabled ? { connections: this.#ended } : undefined;
  }

  /** The listener for a syncer of `model`. */
  observer(model: FamilyModel): SyncObserver {
    const { metrics, health } = this.#options;
    const { family } = model;
    const numbers = metrics.family(family);
    return {
      ...numbers,
      began: () => {
        numbers.began();
        health.worked(family);
      },
      queued: () => {
        numbers.queued();
        health.queued(family);
      },
      // Rules that cannot be repaired also make the node unhealthy, without any change of the cluster.
      failed: (error) => {
        numbers.failed(error);
        health.failed(family, isOfOurOwn(error));
      },
      tableLost: () => {
        numbers.tableLost();
        health.queued(family);
      },
      drifted: (drift, isNews) => {
        numbers.drifted(drift, isNews);
        if (isNews) this.#options.events.event(driftEvent(drift, family));
      },
      compared: (differing, every) => {
        numbers.compared(differing, every);
        health.compared(family, differing.some(isNeededByAll));
      },
      verified: () => {
        numbers.verified();
        health.verified(family);
        // Interface addresses change without any change in the cluster.
        this.#healthChecks.listen();
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

  /** Stops the child processes. */
  close(): void {
    this.gone.stop();
    this.#healthChecks.stop();
    for (const flows of [...this.#udpFlows.values(), ...this.#goneFlows.values()]) flows.stop();
    this.#conntrack.stop();
  }

  #goneFlowsOf(family: Family): GoneFlows {
    const { metrics, log } = this.#options;
    return new GoneFlows({
      family,
      conntrack: this.#conntrack,
      servesNodePorts: (address) => this.#udpFlows.get(family)?.servesNodePorts(address) ?? false,
      isGone: (frontend, address) => this.gone.isGone(frontend, address),
      onEnded: (connections) => {
        this.#ended += connections;
        metrics.family(family).goneConnectionsEnded(connections);
        log.info('connections to removed endpoints were ended', { family, connections });
      },
    });
  }

  /** The rules now come from the source, not from a saved state. Postponed work is done once they are in force. */
  takenOver(): void {
    for (const model of this.#options.models) {
      this.#putOff.add(model.family);
      if (!model.isBehind) this.#endUdpFlows(model, NOTHING_NEW);
    }
  }

  /** Flows are judged only by the current cluster, never by a saved state. */
  #endUdpFlows(model: FamilyModel, result: SyncResult): void {
    const { family } = model;
    if (this.#options.health.staleSince !== undefined) {
      this.#putOff.add(family);
      return;
    }
    const isAll = !model.isBehind && this.#putOff.delete(family);
    this.#udpFlows.get(family)?.follow(isAll ? { ...result, kind: 'full' } : result);
  }

  #follow(model: FamilyModel, result: SyncResult): void {
    const { kind, services } = result;
    const { metrics, args } = this.#options;
    const { noLocalEndpoints } = metrics.family(model.family);
    const onLoopback = servesLocalhost(args.nodePortAddresses, model.family);
    if (kind === 'full') noLocalEndpoints.clear();
    for (const key of services) {
      const frontends = model.frontendsOf(key);
      noLocalEndpoints.set(key, noLocalEndpointsOf(frontends));
      if (onLoopback) this.#localhost.set(`${key} ${model.family}`, localhostNodePortsOf(frontends));
    }
    this.#endUdpFlows(model, result);
    this.#healthChecks.follow(model, services);
  }
}

/** True for a fault of this process: a bug, or a lack of resources (descriptors, memory) to start another process. */
function isOfOurOwn(error: unknown): boolean {
  if (error instanceof NftError) return error.failure === 'not-started';
  return !(error instanceof CleanupError);
}
