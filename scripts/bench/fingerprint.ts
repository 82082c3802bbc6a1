import { createHash } from 'node:crypto';
import { TestKernel } from '../../test/netns/kernel.ts';
import { runSync } from '../../test/netns/namespaces.ts';

/** A hash of an IPv4 table of this network namespace, equal for equal ones. */
export function fingerprintOf(table: string): string {
  const listing = runSync(['nft', '-j', 'list', 'table', 'ip', table]).stdout;
  return createHash('sha256').update(TestKernel.normalise(listing)).digest('hex');
}
