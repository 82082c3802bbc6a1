import type { ClaimConflict } from '../../service/frontend-claims.ts';
import type { ClusterEvent } from '../../source/event-sink.ts';
import { describeFrontend, whyFirst } from '../../sync/conflict-reports.ts';

/**
 * The Event on a Service that does not get an address or port, once in the cluster for all nodes. It does not name a Service
 * of another namespace, because readers of Events in one namespace must not learn what exists in others.
 */
export function conflictEvent({ winner, loser, frontend, count }: ClaimConflict): ClusterEvent {
  const [namespace = '', name = ''] = loser.serviceKey.split('/');
  const isNeighbour = winner.serviceKey.startsWith(`${namespace}/`);
  const owner = isNeighbour ? `Service ${winner.serviceKey}` : 'a Service of another namespace';
  const others = count === 1 ? '' : ` and ${count - 1} more`;
  return {
    type: 'Warning',
    reason: 'ServiceAddressConflict',
    message:
      `${describeFrontend(frontend)}${others}: not served for this Service, because ${owner} has it (${whyFirst(winner, loser)}). ` +
      'Choose another address or port',
    about: { namespace, name },
    sameOnAllNodes: winner.serviceKey,
  };
}
