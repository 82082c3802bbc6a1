import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiHandlers } from './api-worker.ts';
import { type RunningProxy, startExecutable } from './executable.ts';
import { cpuSecondsOf, memoryOf } from './process-figures.ts';
import { rawCluster } from './raw-cluster.ts';
import type { Report } from './report.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** Endpoint changes for the figures of CPU time, and how many of them a second. */
const CHANGES = 1000;
const RATES = [50, 200];

export interface MemoryPlan {
  readonly sizes: readonly ClusterSize[];
  /** Seconds after which the memory is read: collectors of garbage have done then what they do at leisure. */
  readonly settle: number;
}

/**
 * Memory of the executable with clusters of several sizes (no Services: "idle"), from manifests and from an API server,
 * and the CPU time of 1,000 endpoint changes told by the latter, at two rates.
 */
export async function measureExecutableMemory(
  report: Report,
  workspace: Workspace,
  { sizes, settle }: MemoryPlan,
): Promise<void> {
  for (const size of sizes) {
    const directory = mkdtempSync(join(workspace.directory, 'memory-'));
    await fromManifests(report, workspace, size, settle, directory);
    await fromApiServer(report, workspace, size, settle, directory);
    rmSync(directory, { recursive: true });
    workspace.clear();
  }
}

async function fromManifests(
  report: Report,
  workspace: Workspace,
  size: ClusterSize,
  settle: number,
  directory: string,
): Promise<void> {
  const manifests = join(directory, 'objects.json');
  writeFileSync(manifests, manifestOf(size));
  await using executable = startExecutable(
    workspace.namespace(`manifests-${sizeText(size)}`),
    ['--manifests', manifests],
    directory,
  );
  await executable.ready();
  await addMemory(report, executable, size, settle, 'manifests');
}

async function fromApiServer(
  report: Report,
  workspace: Workspace,
  size: ClusterSize,
  settle: number,
  directory: string,
): Promise<void> {
  const namespace = workspace.namespace(`api-${sizeText(size)}`);
  await using api = new Worker<ApiHandlers>(namespace, join(import.meta.dirname, 'api-worker.ts'));
  const kubeconfig = join(directory, 'kubeconfig');
  await api.call('start', { size, kubeconfig });
  await using executable = startExecutable(namespace, ['--kubeconfig', kubeconfig], directory);
  await executable.ready();
  await addMemory(report, executable, size, settle, 'API server');
  if (size.services === 0) return;
  for (const rate of RATES) {
    const before = cpuSecondsOf(executable.pid);
    await api.call('change', { size, changes: CHANGES, rate });
    await sleep(1000);
    const seconds = cpuSecondsOf(executable.pid) - before;
    report.add(`CPU time for 1,000 endpoint changes at ${rate}/s`, sizeText(size), seconds, 's');
  }
}

async function addMemory(
  report: Report,
  { pid }: RunningProxy,
  size: ClusterSize,
  settle: number,
  source: string,
): Promise<void> {
  const { peak } = memoryOf(pid);
  await sleep(settle * 1000);
  const { rss, rssAnon } = memoryOf(pid);
  const text = size.services === 0 ? 'idle' : sizeText(size);
  report.add(`RssAnon of the executable, ${source}`, text, rssAnon, 'MiB');
  report.add(`RSS of the executable, ${source}`, text, rss, 'MiB');
  report.add(`RSS of the executable at its peak in the first fill, ${source}`, text, peak, 'MiB');
}

/** A cluster as one manifest: a list in JSON. */
function manifestOf(size: ClusterSize): string {
  const items = Array.from(rawCluster(size), (object) => JSON.stringify(object));
  return `{"apiVersion":"v1","kind":"List","items":[${items.join(',\n')}]}\n`;
}
