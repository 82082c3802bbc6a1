import type { Shortfall } from '../service/shortfall.ts';
import type { ClusterEvent } from '../source/event-sink.ts';

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
    // It may be served all the same: --protect-addresses warn.
    reason: reason === 'protected-address' ? 'ServiceAddressProtected' : 'ServiceNotFullyServed',
    message: `${message} (${reason})`,
    about: { namespace, name },
    sameOnAllNodes: reason,
  };
}
