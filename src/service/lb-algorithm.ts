import type { Service } from '../objects/service.ts';
import type { HashBy } from './hash-table.ts';

/**
 * What of a connection chooses its endpoint by hash; undefined: the usual draw, or session affinity.
 *
 * `readsCilium`: where a Service has no annotation of ours, Cilium's counts: its maglev hashes addresses and ports.
 *
 * With sessionAffinity ClientIP a hash of the client's address takes the place of lists of clients: it promises more, the
 * same endpoint on all nodes. A hash of each connection would break the promise, and counts for nothing then.
 */
export function hashByOf(
  { options, affinitySeconds }: Pick<Service, 'options' | 'affinitySeconds'>,
  readsCilium = false,
): HashBy | undefined {
  if (options === undefined) return undefined;
  const ofCilium = readsCilium && options.ciliumLbAlgorithm === 'maglev' ? 'connection-hash' : 'random';
  switch (options.lbAlgorithm ?? ofCilium) {
    case 'client-hash':
      return 'client';
    case 'connection-hash':
      return affinitySeconds === undefined ? 'connection' : undefined;
    default:
      return undefined;
  }
}
