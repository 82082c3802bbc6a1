import type { Log } from '../log.ts';

/** Something that happened, as an operator sees it with `kubectl get events`. */
export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason:
    | 'Starting'
    | 'FailedToStartProxierHealthcheck'
    | 'FailedToStartMetricServer'
    | 'FailedToStartServiceHealthcheck';
  readonly message: string;
  /** The object it happened to: our Node, or a Service. */
  readonly about: 'node' | { readonly namespace: string; readonly name: string };
}

/** Where events go. Telling never fails and never waits: an event that cannot be kept is lost. */
export interface EventSink {
  event(event: ClusterEvent): void;
  /** Resolves when every event so far has been sent or is lost. For those about to end the process; others need not wait. */
  whenSent(): Promise<void>;
}

/** For sources without an API server: events are only in the log, where those who report them have put them already. */
export function createLogSink(log: Log): EventSink {
  return {
    event: ({ reason, message }) => log.detail(2, 'an event, with no API server to keep it', { reason, message }),
    whenSent: () => Promise.resolve(),
  };
}
