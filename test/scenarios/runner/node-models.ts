import { daemonModels } from '../../builders/daemon-models.ts';
import { THIS_NODE } from './cast.ts';

/**
 * This node's models, by flags as on the command line. Where connections to endpoints that are gone are to be reset, they have
 * the rules for a kernel whose nf_conntrack_tcp_loose is 0: that of the test's own namespace does not matter.
 */
export function nodeModels(flags: readonly string[]) {
  return daemonModels({ flags: ['--hostname-override', THIS_NODE, ...flags], isTcpLoose: false });
}
