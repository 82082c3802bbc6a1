import type { Family } from '../ip.ts';
import { type Conntrack, ConntrackError } from './conntrack.ts';
import { CONNTRACK_FAMILY } from './flows.ts';

/** How often a deletion is repeated at once after a flow that ended by itself got in its way. */
const MAX_INTERRUPTIONS = 10;

/** What one command deletes. */
export interface Deletion {
  readonly family: Family;
  readonly protocol: 'tcp' | 'udp';
  /** Options of conntrack, separated by spaces. */
  readonly filter: string;
}

/**
 * Deletes all flows that match a filter. Resolves to whether they are gone. `onDeleted` is called for each.
 * @throws ConntrackError
 */
export async function deleteFlows(
  conntrack: Conntrack,
  { family, protocol, filter }: Deletion,
  onDeleted: () => void,
): Promise<boolean> {
  const args = ['-D', '-f', CONNTRACK_FAMILY[family], '-p', protocol, ...filter.split(' ')];
  for (let interruptions = 0; interruptions < MAX_INTERRUPTIONS; interruptions++) {
    try {
      await conntrack.run(args, onDeleted);
      return true;
    } catch (error) {
      if (!(error instanceof ConntrackError && error.failure === 'interrupted')) throw error;
    }
  }
  return false;
}
