import type { Log } from '../log.ts';

/** Something that happened, as `kubectl get events` shows it to an operator. */
export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason:
    | 'Starting'
    | 'FailedToStartProxierHealthcheck'
    | 'FailedToStartMetricServer'
    | 'FailedToStartServiceHealthcheck'
    /** Ours: another Service has an address and port that this one also claims. */
    | 'ServiceAddressConflict'
    /** Ours: a Service, or a ServiceCIDR, is not served as specified (service/shortfall.ts). */
    | 'ServiceNotFullyServed'
    /** Ours: a Service requests an address that belongs to the cluster or the node. */
    | 'ServiceAddressProtected'
    | 'ServiceAnnotationIgnored'
    | 'ServiceCIDRNotUsed'
    /** Ours: another program on the node changed something in our table. */
    | 'KernelRulesChanged';
  readonly message: string;
  /** The object it happened to: our Node, or a Service. */
  readonly about: 'node' | { readonly namespace: string; readonly name: string };
  /**
   * Present if every node reports the same. The cluster keeps one of the events with equal reason, object and this text. All
   * nodes find out at the same time, so they send at different moments within half a minute.
   */
  readonly sameOnAllNodes?: string;
}

/** Where events go. Reporting never fails and never waits. An event that cannot be stored is lost. */
export interface EventSink {
  event(event: ClusterEvent): void;
  /**
   * Resolves when every event so far has been sent or is lost. It is for callers who are about to end the process. Events
   * that are the same on all nodes are left to the other nodes.
   */
  whenSent(): Promise<void>;
}

/** For sources without an API server: events go only to the log, where their reporters have already logged them. */
export function createLogSink(log: Log): EventSink {
  return {
    event: ({ reason, message }) =>
      log.detail(2, 'an event, not sent because there is no API server', { reason, message }),
    whenSent: () => Promise.resolve(),
  };
}
