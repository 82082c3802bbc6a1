import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FillSize } from './first-fill.ts';
import type { FirstFillHandlers } from './first-fill-worker.ts';
import { PEER_LAYOUTS, PEER_TABLE, peerRuleset } from './peer-layouts.ts';
import type { Report } from './report.ts';
import { median, rotated } from './statistics.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

const CONTENDERS = ['ours', ...PEER_LAYOUTS] as const;

type Contender = (typeof CONTENDERS)[number];

/**
 * Kernel load of kube-proxy's layouts, next to our first fill of the same cluster, at sizes that double: a load that
 * is linear doubles, one that is quadratic takes four times as long.
 */
export async function measurePeerLayouts(
  report: Report,
  workspace: Workspace,
  sizes: readonly FillSize[],
): Promise<void> {
  let before: { readonly size: ClusterSize; readonly times: Readonly<Record<Contender, number>> } | undefined;
  for (const size of sizes) {
    const times = await measureSize(workspace, size);
    for (const layout of PEER_LAYOUTS) {
      report.add(`kernel load, ${layout}`, sizeText(size), times[layout], 'ms', times.ours);
    }
    for (const contender of before === undefined ? [] : CONTENDERS) {
      const [grown, linear] = [
        times[contender] / (before?.times[contender] ?? 0),
        size.services / (before?.size.services ?? 0),
      ];
      report.add(
        `kernel load, ${contender}: growth`,
        `${before?.size.services}→${size.services}`,
        grown,
        'times',
        linear,
      );
    }
    before = { size, times };
  }
}

async function measureSize(workspace: Workspace, size: FillSize): Promise<Readonly<Record<Contender, number>>> {
  const { directory } = workspace;
  const namespace = workspace.namespace(`peer-${sizeText(size)}`);
  const times: Record<Contender, number[]> = { ours: [], 'chain per endpoint': [], 'chain per service': [] };
  for (let round = 0; round < size.rounds; round++) {
    for (const contender of rotated(CONTENDERS, round)) {
      await using worker = new Worker<FirstFillHandlers>(namespace, join(import.meta.dirname, 'first-fill-worker.ts'));
      if (contender === 'ours') {
        times.ours.push((await worker.call('ours', { size, directory, memory: false })).milliseconds);
        await worker.call('wipe', undefined);
      } else {
        const path = join(directory, 'peer.nft');
        writeFileSync(path, peerRuleset(contender, size));
        const loads = [{ path, json: false }];
        times[contender].push((await worker.call('bare', { loads, directory, memory: false })).milliseconds);
        await worker.call('wipe', PEER_TABLE);
      }
    }
  }
  return {
    ours: median(times.ours),
    'chain per endpoint': median(times['chain per endpoint']),
    'chain per service': median(times['chain per service']),
  };
}
