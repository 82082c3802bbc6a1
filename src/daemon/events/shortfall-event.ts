import type { Shortfall, ShortfallReason } from '../../service/shortfall.ts';
import type { ClusterEvent } from '../../source/event-sink.ts';

/** Of those that are served all the same, or may be (--protect-addresses warn). */
const EVENT_REASONS: ReadonlyMap<ShortfallReason, ClusterEvent['reason']> = new Map([
  ['protected-address', 'ServiceAddressProtected'],
  ['annotation', 'ServiceAnnotationIgnored'],
]);

/**
 * What the user of a Service sees that is not served as it asks: an Event on it, one in the cluster for each reason,
 * whichever node was first. What is about a ServiceCIDR is told on the Node.
 */
export function shortfallEvent({ kind, key, reason, message }: Shortfall): ClusterEvent {
  if (kind === 'ServiceCIDR') {
    return {
      type: 'Warning',
      reason: 'ServiceCIDRNotUsed',
      message: `ServiceCIDR ${key}: ${message}`,
      about: 'node',
    };
  }
  const [namespace = '', name = ''] = key.split('/');
  return {
    type: 'Warning',
    reason: EVENT_REASONS.get(reason) ?? 'ServiceNotFullyServed',
    message: `${message} (${reason})`,
    about: { namespace, name },
    sameOnAllNodes: reason,
  };
}
