import { join } from 'node:path';
import type { Report } from './report.ts';
import type { SustainedHandlers } from './sustained-worker.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** The most a change may lag, in milliseconds. */
const MAX_LAG = 1000;
const STORM = 10_000;

/**
 * The highest of `rates` (changes a second, ascending) at which no change lags a second, each for so many seconds; and
 * a storm of 10,000 changes within one second.
 */
export async function measureSustained(
  report: Report,
  workspace: Workspace,
  { size, rates, seconds }: { readonly size: ClusterSize; readonly rates: readonly number[]; readonly seconds: number },
): Promise<void> {
  const text = sizeText(size);
  await using worker = new Worker<SustainedHandlers>(
    workspace.namespace('sustained'),
    join(import.meta.dirname, 'sustained-worker.ts'),
  );
  await worker.call('fill', { size, directory: workspace.directory });
  let sustained = 0;
  for (const rate of rates) {
    const { longestLag } = await worker.call('sustain', { count: rate * seconds, rate });
    report.add(`longest lag at ${rate} changes a second`, text, longestLag, 'ms');
    if (longestLag >= MAX_LAG) break;
    sustained = rate;
  }
  report.add('sustained changes with lag below 1 s', text, sustained, '/s');
  const { longestLag, transactions } = await worker.call('sustain', { count: STORM, rate: STORM });
  report.add('storm of 10,000 changes in a second: transactions', text, transactions, 'transactions');
  report.add('storm of 10,000 changes in a second: longest lag', text, longestLag, 'ms');
}
