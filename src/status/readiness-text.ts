import type { NodeReadinessReport } from '../service/node-readiness.ts';
import { count, listed } from './words.ts';

/** "5 nodes, all Ready", or which are not, and what that means for their endpoints. */
export function readinessText({ nodes, unready, names, isPaused }: NodeReadinessReport): string {
  if (unready === 0) return `${count(nodes, 'node')}, all Ready`;
  const which = `${unready} of ${count(nodes, 'node')} not Ready: ${listed(names, unready)}`;
  return isPaused
    ? `${which}; more than half, so their endpoints are used like all others`
    : `${which}; their endpoints are used only if there are no others`;
}
