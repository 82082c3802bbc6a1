import { join } from 'node:path';
import { CHANGES, type ChangeDone, WRITERS, type Writer } from './changes.ts';
import type { EndpointChangeHandlers } from './endpoint-change-worker.ts';
import type { Report } from './report.ts';
import { percentile, rotated } from './statistics.ts';
import { type ClusterSize, isLocal, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

const TARGET = 1.5;
/** Turns before those that count: code is compiled then, and nft is in the page cache. */
const WARM_UP = 5;
/** A step from one Service to the next that leads far away in every map; a prime. */
const STRIDE = 331;

type ChangeWorker = Worker<EndpointChangeHandlers>;

/** What one writer did in a cluster of one size. */
interface Series {
  readonly size: ClusterSize;
  readonly worker: ChangeWorker;
  readonly writer: Writer;
  /** For each turn the CHANGES. */
  readonly turns: (readonly ChangeDone[])[];
}

/**
 * One endpoint of one Service, on another node, added and removed, event in → acknowledged, at a small and a large size in turn, next to
 * bare commands of the same shape in the same table. `turns`: samples of each figure.
 */
export async function measureEndpointChange(
  report: Report,
  workspace: Workspace,
  [small, large]: readonly [ClusterSize, ClusterSize],
  turns: number,
): Promise<void> {
  await using smallWorker = await filledWorker(workspace, small);
  await using largeWorker = await filledWorker(workspace, large);
  const seriesOf = (size: ClusterSize, worker: ChangeWorker) =>
    WRITERS.map((writer): Series => ({ size, worker, writer, turns: [] }));
  const ofSizes = [seriesOf(small, smallWorker), seriesOf(large, largeWorker)];
  for (let turn = 0; turn < WARM_UP + turns; turn++) {
    for (const each of rotated(ofSizes.flat(), turn)) {
      const done = await each.worker.call('change', { service: serviceFor(each, turn), turn, writer: each.writer });
      if (turn >= WARM_UP) each.turns.push(done);
    }
  }
  for (const [i, change] of CHANGES.entries()) {
    for (const series of ofSizes) addRows(report, series, i, `endpoint ${change}`);
    addGrowth(report, ofSizes, i, `endpoint ${change}`);
  }
}

async function filledWorker(workspace: Workspace, size: ClusterSize): Promise<ChangeWorker> {
  const namespace = workspace.namespace(`changes-${size.services}`);
  const worker: ChangeWorker = new Worker(namespace, join(import.meta.dirname, 'endpoint-change-worker.ts'));
  await worker.call('fill', { size, directory: workspace.directory });
  return worker;
}

/** Each writer has its own share of the Services whose endpoints are on other nodes. */
function serviceFor({ size, writer }: Series, turn: number): number {
  const services = Array.from({ length: size.services }, (_, n) => n).filter((n) => !isLocal(n));
  const share = Math.floor(services.length / WRITERS.length);
  return services[WRITERS.indexOf(writer) * share + ((turn * STRIDE) % share)] ?? 0;
}

/** The latencies of the nth change by a writer, in milliseconds. */
function latencies(series: readonly Series[], writer: Writer, n: number): readonly number[] {
  return done(series, writer, n).map(({ milliseconds }) => milliseconds);
}

function done(series: readonly Series[], writer: Writer, n: number): readonly ChangeDone[] {
  const turns = series.find((each) => each.writer === writer)?.turns ?? [];
  return turns.flatMap((turn) => turn[n] ?? []);
}

function addRows(report: Report, series: readonly Series[], n: number, name: string): void {
  const size = series[0] === undefined ? '' : sizeText(series[0].size);
  const latency = (writer: Writer, percent: number) => percentile(latencies(series, writer, n), percent);
  for (const percent of [50, 99]) {
    const comparison = { floor: latency('bare', percent), target: TARGET };
    report.add(`${name}, p${percent}`, size, latency('ours', percent), 'ms', comparison);
  }
  report.add(`${name}, bare, file at hand, p50`, size, latency('bare, file at hand', 50), 'ms');
  const mean = (writer: Writer) => {
    const all = done(series, writer, n);
    return all.reduce((sum, { operations }) => sum + operations, 0) / all.length;
  };
  report.add(`${name}: written`, size, mean('ours'), 'elements', { floor: mean('bare'), target: 1 });
}

function addGrowth(report: Report, ofSizes: readonly (readonly Series[])[], n: number, name: string): void {
  const size = ofSizes.map(([first]) => first?.size.services).join('→');
  const [small = 0, large = 0] = ofSizes.map((series) => percentile(latencies(series, 'ours', n), 50));
  report.add(`${name}, p50: growth`, size, large, 'ms', { floor: small, target: TARGET });
}
