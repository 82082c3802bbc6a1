import { join } from 'node:path';
import type { Report } from './report.ts';
import type { RestartHandlers } from './restart-worker.ts';
import { median } from './statistics.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** A start over the rules of the last run, with the cluster as it was, next to one bare listing of the table. */
export async function measureRestart(
  report: Report,
  workspace: Workspace,
  size: ClusterSize,
  rounds: number,
): Promise<void> {
  const { directory } = workspace;
  const namespace = workspace.namespace('restart');
  const newWorker = () => new Worker<RestartHandlers>(namespace, join(import.meta.dirname, 'restart-worker.ts'));
  {
    await using filling = newWorker();
    await filling.call('start', { size, directory });
  }
  const starts: number[] = [];
  const listings: number[] = [];
  let written = 0;
  for (let round = 0; round < rounds; round++) {
    await using worker = newWorker();
    const start = async () => {
      const done = await worker.call('start', { size, directory });
      starts.push(done.milliseconds);
      written += done.written;
    };
    if (round % 2 === 0) await start();
    listings.push(await worker.call('list', undefined));
    if (round % 2 === 1) await start();
  }
  const text = sizeText(size);
  report.add('restart, unchanged cluster: in sync after', text, median(starts), 'ms', median(listings));
  report.add('restart, unchanged cluster: elements written', text, written, 'elements');
}
