import { join } from 'node:path';
import type { ChangeDone, ChangeHandlers, Writer } from './change-worker.ts';
import { CHANGES } from './changes.ts';
import type { Report } from './report.ts';
import { mean, percentile, rotated } from './statistics.ts';
import { type ClusterSize, isLocal, sizeText } from './synthetic-cluster.ts';
import { targetOf } from './targets.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** Turns before those that count: code is compiled then, nft is in the page cache, the session is warm. */
const WARM_UP = 5;
/** A step from one Service to the next that leads far away in every map; a prime. */
const STRIDE = 331;

/** What one writer did in a cluster of one size. */
interface Series {
  readonly writer: Writer;
  readonly size: ClusterSize;
  readonly worker: Worker<ChangeHandlers>;
  /** For each turn all changes. */
  readonly turns: (readonly ChangeDone[])[];
}

/**
 * One endpoint or one Service more or less, event in → acknowledged, in clusters of two sizes, next to the same
 * documents through a bare warm session. Each has a table of its own, since a session reads the ruleset anew whenever
 * somebody else changed it. `turns`: samples of each figure.
 */
export async function measureChangeLatency(
  report: Report,
  workspace: Workspace,
  sizes: readonly [small: ClusterSize, large: ClusterSize],
  turns: number,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const all: Series[] = [];
  for (const size of sizes) all.push(...(await filledPair(stack, workspace, size)));
  for (let turn = 0; turn < WARM_UP + turns; turn++) {
    for (const { worker, size, turns: done } of rotated(all, turn)) {
      const changes = await worker.call('change', { service: serviceFor(size, turn), turn });
      if (turn >= WARM_UP) done.push(changes);
    }
  }
  for (const [i, change] of CHANGES.entries()) {
    const [small, large] = sizes.map((size) => addRows(report, change, sizeText(size), of(all, size, i)));
    const grown = sizes.map(({ services }) => services).join('→');
    report.add(`${change}, p50, growth`, grown, large ?? 0, 'ms', small);
  }
}

/** One Service with very many endpoints gains or loses one; as above. */
export async function measureHugeService(
  report: Report,
  workspace: Workspace,
  { size, endpoints, turns }: { readonly size: ClusterSize; readonly endpoints: number; readonly turns: number },
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const all = await filledPair(stack, workspace, size, endpoints);
  for (let turn = 0; turn < WARM_UP + turns; turn++) {
    for (const { worker, turns: done } of rotated(all, turn)) {
      const changes = await worker.call('changeHuge', { turn });
      if (turn >= WARM_UP) done.push(changes);
    }
  }
  for (const [i, change] of ['added', 'removed'].entries()) {
    const name = `of ${endpoints.toLocaleString('en')} endpoints one ${change}`;
    addRows(report, name, `1x${endpoints}`, of(all, size, i));
  }
}

async function filledPair(
  stack: AsyncDisposableStack,
  workspace: Workspace,
  size: ClusterSize,
  huge = 0,
): Promise<readonly Series[]> {
  const series: Series[] = [];
  for (const writer of ['ours', 'bare'] as const) {
    const namespace = workspace.namespace(`${writer}-${size.services}-${huge}`);
    const worker = stack.use(new Worker<ChangeHandlers>(namespace, join(import.meta.dirname, 'change-worker.ts')));
    await worker.call('fill', { size, writer, directory: workspace.directory, huge });
    series.push({ writer, size, worker, turns: [] });
  }
  return series;
}

/** A Service whose endpoints are on other nodes. */
function serviceFor({ services }: ClusterSize, turn: number): number {
  const service = (turn * STRIDE) % services;
  return isLocal(service) ? service + 1 : service;
}

/** How the nth change went in clusters of one size. */
function of(all: readonly Series[], size: ClusterSize, n: number): Readonly<Record<Writer, readonly ChangeDone[]>> {
  const done = (writer: Writer) =>
    all
      .filter((series) => series.size === size && series.writer === writer)
      .flatMap(({ turns }) => turns.map((turn) => turn[n] as ChangeDone));
  return { ours: done('ours'), bare: done('bare') };
}

/** Returns our p50. */
function addRows(
  report: Report,
  name: string,
  size: string,
  { ours, bare }: Readonly<Record<Writer, readonly ChangeDone[]>>,
): number {
  const latency = (done: readonly ChangeDone[], percent: number) =>
    percentile(
      done.map(({ milliseconds }) => milliseconds),
      percent,
    );
  const [p50, p99] = [latency(ours, 50), latency(ours, 99)];
  report.add(`${name}, p50`, size, p50, 'ms', latency(bare, 50));
  report.add(`${name}, p99`, size, p99, 'ms', latency(bare, 99));
  if (targetOf({ name: `${name}, p99 / p50`, size }) !== undefined)
    report.add(`${name}, p99 / p50`, size, p99 / p50, 'times');
  report.add(`${name}: elements written`, size, mean(ours.map(({ operations }) => operations)), 'elements');
  return p50;
}
