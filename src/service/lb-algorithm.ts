import type { Service } from '../objects/service.ts';
import type { HashBy } from './hash-table.ts';

/**
 * What a hash uses to select the endpoint of a connection; undefined: there is no hash, but the usual draw, or session
 * affinity.
 *
 * `readsCilium`: if a Service has no annotation of ours, Cilium's applies: its maglev hashes addresses and ports.
 *
 * With sessionAffinity ClientIP, a hash of the client's address replaces lists of clients. It promises more: the same
 * endpoint on all nodes. A hash of each connection would break the affinity, so it has no effect then.
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
