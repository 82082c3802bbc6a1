import { join } from 'node:path';
import { FLOOR_FORMS } from './fill-floor.ts';
import type { FirstFillHandlers } from './first-fill-worker.ts';
import type { Report } from './report.ts';
import { median, rotated } from './statistics.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

const OURS = 'ours';
const FORMS = [OURS, ...FLOOR_FORMS] as const;

type Form = (typeof FORMS)[number];

/** Above that many Services, listing what is in force takes more than all fills together. */
const MAX_COMPARED = 10_000;

/** A size, and how often it is filled. */
export interface FillSize extends ClusterSize {
  readonly rounds: number;
}

/** First fills of all sizes, and how they grow from each size to the next one with as many endpoints. */
export async function measureFirstFills(
  report: Report,
  workspace: Workspace,
  sizes: readonly FillSize[],
): Promise<void> {
  const filled: { readonly size: ClusterSize; readonly milliseconds: number }[] = [];
  for (const size of sizes) {
    const milliseconds = await measureFirstFill(report, workspace, size);
    const before = filled.at(-1);
    filled.push({ size, milliseconds });
    if (before === undefined || before.size.endpoints !== size.endpoints) continue;
    const text = `${before.size.services}→${size.services}`;
    const linear = size.services / before.size.services;
    report.add('first fill, growth', text, milliseconds / before.milliseconds, 'times', linear);
  }
}

/**
 * First fill, from a filled Cluster to rules in force, next to the fastest of four bare loads of the same ruleset. Every
 * fill has a new process, as a daemon's has: nothing is compiled or cached yet. Returns the median in milliseconds.
 */
async function measureFirstFill(report: Report, workspace: Workspace, size: FillSize): Promise<number> {
  const { directory } = workspace;
  const text = sizeText(size);
  const namespace = workspace.namespace(`fill-${text}`);
  const newWorker = () => new Worker<FirstFillHandlers>(namespace, join(import.meta.dirname, 'first-fill-worker.ts'));
  await using preparing = newWorker();
  const loads = await preparing.call('prepare', { size, directory });

  const fill = async (form: Form, memory: boolean) => {
    await using worker = newWorker();
    const done =
      form === OURS
        ? await worker.call('ours', { size, directory, memory })
        : await worker.call('bare', { loads: loads[form], directory, memory });
    const compared = memory && size.services <= MAX_COMPARED;
    const fingerprint = compared ? await worker.call('fingerprint', undefined) : '';
    await worker.call('wipe', undefined);
    return { ...done, fingerprint };
  };

  const times = new Map(FORMS.map((form) => [form, [] as number[]]));
  for (let round = 0; round < size.rounds; round++) {
    for (const form of rotated(FORMS, round)) times.get(form)?.push((await fill(form, false)).milliseconds);
  }
  const medianOf = (form: Form) => median(times.get(form) ?? []);
  report.add('first fill', text, medianOf(OURS), 'ms', Math.min(...FLOOR_FORMS.map(medianOf)));

  // Untimed: what nft needs, and that we write the ruleset that was the floor.
  const [ours, bare] = [await fill(OURS, true), await fill('JSON, one transaction', true)];
  if (ours.fingerprint !== bare.fingerprint) throw new Error('the floor of the first fill is not the ruleset we write');
  report.add("first fill, nft's peak memory", text, ours.nftMegabytes, 'MB', bare.nftMegabytes);
  return medianOf(OURS);
}
