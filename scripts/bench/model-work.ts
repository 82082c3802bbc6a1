import { join } from 'node:path';
import type { ModelWorkHandlers } from './model-work-worker.ts';
import type { Report } from './report.ts';
import { percentile } from './statistics.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** Of those measured; before that, code is not compiled yet. */
const WARM_UP = 500;
const COUNTED = 2000;

/** What our own code does for one endpoint change: from the changed cluster to the document for nft. */
export async function measureModelWork(report: Report, workspace: Workspace, size: ClusterSize): Promise<void> {
  const namespace = workspace.namespace('model');
  await using worker = new Worker<ModelWorkHandlers>(namespace, join(import.meta.dirname, 'model-work-worker.ts'));
  const samples = (await worker.call('changes', { size, changes: WARM_UP + COUNTED })).slice(WARM_UP);
  for (const percent of [50, 99]) {
    report.add(`model work for one endpoint change, p${percent}`, sizeText(size), percentile(samples, percent), 'µs');
  }
}
