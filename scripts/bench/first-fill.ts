import { join } from 'node:path';
import { FLOOR_FORMS } from './fill-floor.ts';
import type { FirstFillHandlers } from './first-fill-worker.ts';
import type { Report } from './report.ts';
import { median, rotated } from './statistics.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

const TARGET = 1.5;
const OURS = 'ours';

/**
 * First fill, from a filled Cluster to rules in force, next to the bare loads of the same ruleset. Every fill has a new
 * process, as a daemon's has: nothing is compiled or cached yet.
 */
export async function measureFirstFill(report: Report, workspace: Workspace, size: ClusterSize, rounds: number) {
  const { directory } = workspace;
  const namespace = workspace.namespace('first-fill');
  const newWorker = () => new Worker<FirstFillHandlers>(namespace, join(import.meta.dirname, 'first-fill-worker.ts'));
  await using preparing = newWorker();
  const loads = await preparing.call('prepare', { size, directory });

  const forms = [OURS, ...FLOOR_FORMS] as const;
  const fill = async (form: (typeof forms)[number], memory: boolean) => {
    await using worker = newWorker();
    const done =
      form === OURS
        ? await worker.call('ours', { size, directory, memory })
        : await worker.call('bare', { loads: loads[form], directory, memory });
    const fingerprint = memory ? await worker.call('fingerprint', undefined) : '';
    await worker.call('wipe', undefined);
    return { ...done, fingerprint };
  };

  const times = new Map(forms.map((form) => [form, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const form of rotated(forms, round)) times.get(form)?.push((await fill(form, false)).milliseconds);
  }
  const medianOf = (form: (typeof forms)[number]) => median(times.get(form) ?? []);
  const floor = Math.min(...FLOOR_FORMS.map(medianOf));
  const text = sizeText(size);
  report.add('first fill', text, medianOf(OURS), 'ms', { floor, target: TARGET });
  for (const form of FLOOR_FORMS) report.add(`bare load, ${form}`, text, medianOf(form), 'ms', { floor });

  // Untimed: what nft needs, and that all of them made the same ruleset.
  const fingerprints = new Set<string>();
  for (const form of forms) {
    const { nftMegabytes, fingerprint } = await fill(form, true);
    fingerprints.add(fingerprint);
    report.add(`nft's peak memory, ${form === OURS ? 'first fill' : `bare load, ${form}`}`, text, nftMegabytes, 'MB');
  }
  if (fingerprints.size !== 1) throw new Error('the floors of the first fill are not the ruleset we write');
}
