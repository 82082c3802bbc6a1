import type { Shortfall, ShortfallReason } from '../../service/shortfall.ts';
import type { ClusterEvent } from '../../source/event-sink.ts';

/** The reason of Events about addresses that are still served, or may be (--protect-addresses warn). */
const EVENT_REASONS: ReadonlyMap<ShortfallReason, ClusterEvent['reason']> = new Map([
  ['protected-address', 'ServiceAddressProtected'],
  ['annotation', 'ServiceAnnotationIgnored'],
]);

/**
 * The Event on a Service that is not served as specified: one in the cluster for each reason, from the first node that
 * notices it. Events about a ServiceCIDR are on the Node.
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
