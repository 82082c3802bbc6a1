import type { Log } from '../log.ts';

/** Something that happened, as an operator sees it with `kubectl get events`. */
export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason:
    | 'Starting'
    | 'FailedToStartProxierHealthcheck'
    | 'FailedToStartMetricServer'
    | 'FailedToStartServiceHealthcheck'
    /** Ours: another Service has an address and port that this one wants, too. */
    | 'ServiceAddressConflict'
    /** Ours: a Service, or a ServiceCIDR, is not served as it asks (service/shortfall.ts). */
    | 'ServiceNotFullyServed'
    /** Ours: an address that a Service asks for belongs to the cluster or the node. */
    | 'ServiceAddressProtected'
    | 'ServiceAnnotationIgnored'
    | 'ServiceCIDRNotUsed'
    /** Ours: somebody else on the node changed something in our table. */
    | 'KernelRulesChanged';
  readonly message: string;
  /** The object it happened to: our Node, or a Service. */
  readonly about: 'node' | { readonly namespace: string; readonly name: string };
  /**
   * Present where every node tells the same: of events with equal reason, object and text here the cluster keeps one.
   * Nodes send them at different times within half a minute, since all of them learn of it at the same.
   */
  readonly sameOnAllNodes?: string;
}

/** Where events go. Telling never fails and never waits: an event that cannot be kept is lost. */
export interface EventSink {
  event(event: ClusterEvent): void;
  /** Resolves when every event so far has been sent or is lost. For those about to end the process; others need not wait. Those that are the same on all nodes are left to the others. */
  whenSent(): Promise<void>;
}

/** For sources without an API server: events are only in the log, where those who report them have put them already. */
export function createLogSink(log: Log): EventSink {
  return {
    event: ({ reason, message }) =>
      log.detail(2, 'an event, not sent because there is no API server', { reason, message }),
    whenSent: () => Promise.resolve(),
  };
}
