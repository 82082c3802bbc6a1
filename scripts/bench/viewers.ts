import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace } from '../../test/netns/namespaces.ts';
import { EXECUTABLE } from './executable.ts';
import { makePacketPaths } from './packet-paths.ts';
import { type ChurnFigures, measureChurn, measureIdle, measureStart } from './peer-figures.ts';
import { startProxy } from './peer-proxies.ts';
import type { PeerHandlers } from './peer-worker.ts';
import { prepareNode } from './real-peer.ts';
import type { Report } from './report.ts';
import { percentile, rotated } from './statistics.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import type { ViewersHandlers } from './viewers-worker.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

export interface ViewersPlan {
  readonly size: ClusterSize;
  /** Changes of each round, and how many a second. */
  readonly changes: number;
  readonly rate: number;
  readonly rounds: number;
}

/** `top` on a terminal of its own. */
const TOP = 'import os, pty, sys; os.environ["TERM"] = "xterm"; pty.spawn(sys.argv[1:])';

/**
 * What an open page, `top` and a scraper cost: the same changes in turn with all of them and with none, from the request to
 * the API server until packets follow.
 */
export async function measureViewers(report: Report, workspace: Workspace, plan: ViewersPlan): Promise<void> {
  const { size, changes: count, rate, rounds } = plan;
  const { client, pods, nodes } = makePacketPaths(workspace, 1);
  const [node = ''] = nodes;
  prepareNode(node);
  const directory = mkdtempSync(join(workspace.directory, 'viewers-'));
  await using stack = new AsyncDisposableStack();
  const api = stack.use(new Worker<PeerHandlers>(node, join(import.meta.dirname, 'peer-worker.ts')));
  const kubeconfig = await api.call('start', { size, directory, kubeconfigs: undefined, client, pods });
  const viewers = stack.use(new Worker<ViewersHandlers>(node, join(import.meta.dirname, 'viewers-worker.ts')));
  const { proxy } = await measureStart(api, () => startProxy('ours', { node, kubeconfig, directory, kubeProxy: '' }));
  stack.use(proxy);
  await measureIdle(proxy, { settle: 10, idle: 1 });
  const found: Record<'alone' | 'viewed', ChurnFigures[]> = { alone: [], viewed: [] };
  for (let round = 0; round < rounds; round++) {
    for (const how of rotated(['alone', 'viewed'] as const, round)) {
      if (how === 'alone') {
        found.alone.push(await measureChurn(api, proxy, { count, rate }));
        continue;
      }
      await viewers.call('begin', undefined);
      const top = openTop(node, proxy.runDirectory);
      found.viewed.push(await measureChurn(api, proxy, { count, rate }));
      await close(top);
      await viewers.call('end', undefined);
    }
  }
  const text = sizeText(size);
  const compare = (name: string, unit: string, of: (figures: readonly ChurnFigures[]) => number) =>
    report.add(`page, top and scraper open: ${name}`, text, of(found.viewed), unit, of(found.alone));
  const lag = (percent: number) => (figures: readonly ChurnFigures[]) =>
    percentile(
      figures.flatMap(({ followed }) => followed.map(({ arrived }) => arrived)),
      percent,
    );
  compare(`a change at ${rate}/s until traffic follows, p50`, 'ms', lag(50));
  compare(`a change at ${rate}/s until traffic follows, p99`, 'ms', lag(99));
  compare(
    `CPU time for 1,000 changes at ${rate}/s`,
    's',
    (figures) => (figures.reduce((sum, { cpu }) => sum + cpu, 0) / (figures.length * count)) * 1000,
  );
}

function openTop(node: string, runDirectory: string): ChildProcess {
  const [command = '', ...args] = inNamespace(node, [
    'python3',
    '-c',
    TOP,
    EXECUTABLE,
    'top',
    '--run-dir',
    runDirectory,
  ]);
  return spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
}

/** `q` ends it. Throws if it ended before, or otherwise. */
async function close(top: ChildProcess): Promise<void> {
  if (top.exitCode !== null) throw new Error(`top ended with ${top.exitCode}`);
  const exited = once(top, 'exit');
  top.stdin?.end('q');
  const [code] = await exited;
  if (code !== 0) throw new Error(`top ended with ${code}`);
}
