import { join } from 'node:path';
import type { ChangeDone, ChangeHandlers, Writer } from './change-worker.ts';
import { CHANGES } from './changes.ts';
import { compiled } from './compiled.ts';
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
  const rawNetlink = compiled('raw_netlink', report, workspace);
  const all: Series[] = [];
  for (const size of sizes) all.push(...(await filled(stack, workspace, { size, rawNetlink })));
  for (let turn = 0; turn < WARM_UP + turns; turn++) {
    for (const { worker, size, turns: done } of rotated(all, turn)) {
      const changes = await worker.call('change', { service: serviceFor(size, turn), turn });
      if (turn >= WARM_UP) done.push(changes);
    }
  }
  await compareTables(all.filter(({ size }) => size === sizes[0]));
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
  const rawNetlink = compiled('raw_netlink', report, workspace);
  const all = await filled(stack, workspace, { size, huge: endpoints, rawNetlink });
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

interface FillPlan {
  readonly size: ClusterSize;
  /** See HugeService. */
  readonly huge?: number;
  /** The compiled raw_netlink.c, where there is a compiler. */
  readonly rawNetlink: string | undefined;
}

/** One series for each writer. */
async function filled(
  stack: AsyncDisposableStack,
  workspace: Workspace,
  { size, huge = 0, rawNetlink }: FillPlan,
): Promise<readonly Series[]> {
  const writers: readonly Writer[] = rawNetlink === undefined ? ['ours', 'bare'] : ['ours', 'bare', 'raw'];
  const series: Series[] = [];
  for (const writer of writers) {
    const namespace = workspace.namespace(`${writer}-${size.services}-${huge}`);
    const worker = stack.use(new Worker<ChangeHandlers>(namespace, join(import.meta.dirname, 'change-worker.ts')));
    const { directory } = workspace;
    await worker.call('fill', { size, writer, directory, huge, rawNetlink: rawNetlink ?? '' });
    series.push({ writer, size, worker, turns: [] });
  }
  return series;
}

/** A floor that did something else would be none: throws unless all series of one size have made the same table. */
async function compareTables(series: readonly Series[]): Promise<void> {
  const fingerprints = new Set<string>();
  for (const { worker } of series) fingerprints.add(await worker.call('fingerprint', undefined));
  if (fingerprints.size > 1) throw new Error('the floors of the changes are not the changes we write');
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
  return { ours: done('ours'), bare: done('bare'), raw: done('raw') };
}

/** Returns our p50. */
function addRows(
  report: Report,
  name: string,
  size: string,
  { ours, bare, raw }: Readonly<Record<Writer, readonly ChangeDone[]>>,
): number {
  const latency = (done: readonly ChangeDone[], percent: number) =>
    percentile(
      done.map(({ milliseconds }) => milliseconds),
      percent,
    );
  const [p50, p99] = [latency(ours, 50), latency(ours, 99)];
  report.add(`${name}, p50`, size, p50, 'ms', latency(bare, 50));
  if (raw.length > 0) report.add(`${name}, p50, over raw netlink`, size, p50, 'ms', latency(raw, 50));
  report.add(`${name}, p99`, size, p99, 'ms', latency(bare, 99));
  if (targetOf({ name: `${name}, p99 / p50`, size }) !== undefined)
    report.add(`${name}, p99 / p50`, size, p99 / p50, 'times');
  report.add(`${name}: elements written`, size, mean(ours.map(({ operations }) => operations)), 'elements');
  return p50;
}
