import type { Drift } from '../../audit/drift.ts';
import type { Family } from '../../ip.ts';
import type { ClusterEvent } from '../../source/event-sink.ts';

/** The Event on the Node that tells operators that another program changes our rules. */
export function driftEvent({ message }: Pick<Drift, 'message'>, family: Family): ClusterEvent {
  return {
    type: 'Warning',
    reason: 'KernelRulesChanged',
    message: `somebody changed our rules (${family}): ${message}. They are repaired in place`,
    about: 'node',
  };
}
