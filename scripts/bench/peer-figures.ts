import { setTimeout as sleep } from 'node:timers/promises';
import { CLOCK } from './clock.ts';
import type { RunningProxy } from './executable.ts';
import type { Followed, PeerHandlers } from './peer-worker.ts';
import { cpuSecondsOf, fineCpuSecondsOf, memoryWithChildren } from './process-figures.ts';
import type { Worker } from './worker.ts';

/** Seconds within which a proxy has to serve all Services, and a change. */
const START_LIMIT = 900;
export const CHANGE_LIMIT = 120;

/** Seconds for the work that follows a start or the last change, which counts as theirs. */
const AFTER = 3;

/** Seconds between a change and the next one: kube-proxy waits one from the end of a sync to the next by itself. */
const PAUSE = 1.6;

/** Milliseconds until traffic was as it had to be, and seconds of CPU until AFTER that. */
export interface Start {
  readonly milliseconds: number;
  readonly cpu: number;
}

/** How a proxy did with a series of changes. */
export interface ChurnFigures {
  readonly count: number;
  readonly rate: number;
  readonly followed: readonly Followed[];
  /** Of the changes that were followed so many were not in force within CHANGE_LIMIT. */
  readonly missing: number;
  /** Seconds. */
  readonly cpu: number;
}

/** How one proxy did with a cluster of one size. */
export interface Figures {
  readonly starts: readonly Start[];
  /** MiB. */
  readonly memory: { readonly rss: number; readonly rssAnon: number };
  /** Part of a CPU. */
  readonly idle: number;
  readonly changes: readonly Followed[];
  readonly churns: readonly ChurnFigures[];
  readonly restarts: readonly Start[];
}

type ApiWorker = Worker<PeerHandlers>;

/** A start on a node without rules. The proxy still runs then. */
export function measureStart(
  api: ApiWorker,
  start: () => RunningProxy,
): Promise<Start & { readonly proxy: RunningProxy }> {
  return measured(start, () => api.call('untilServed', { seconds: START_LIMIT }));
}

/** A start with the rules of the last run, one change behind. The proxy still runs then. */
export async function measureRestart(
  api: ApiWorker,
  start: () => RunningProxy,
): Promise<Start & { readonly proxy: RunningProxy }> {
  const change = await api.call('changeUnseen', undefined);
  return measured(start, () => api.call('untilFollowed', { change, seconds: START_LIMIT }));
}

async function measured(
  start: () => RunningProxy,
  until: () => Promise<number>,
): Promise<Start & { readonly proxy: RunningProxy }> {
  const started = CLOCK.now();
  const proxy = start();
  const done = await proxy.during(until());
  await sleep(AFTER * 1000);
  return { milliseconds: done - started, cpu: cpuSecondsOf(proxy.pid), proxy };
}

/** What a proxy that has started costs, idle for so many seconds after it has settled for so many. */
export async function measureIdle(
  { pid }: RunningProxy,
  { settle, idle }: { readonly settle: number; readonly idle: number },
): Promise<Pick<Figures, 'memory' | 'idle'>> {
  await sleep(settle * 1000);
  const before = fineCpuSecondsOf(pid);
  await sleep(idle * 1000);
  return { idle: (fineCpuSecondsOf(pid) - before) / idle, memory: memoryWithChildren(pid) };
}

/** Single changes, each long after the one before. */
export async function measureChanges(api: ApiWorker, proxy: RunningProxy, count: number): Promise<readonly Followed[]> {
  const changes: Followed[] = [];
  for (let i = 0; i < count; i++) {
    changes.push(await proxy.during(api.call('change', { seconds: CHANGE_LIMIT })));
    await sleep(PAUSE * 1000);
  }
  return changes;
}

/** Changes that do not wait for each other. */
export async function measureChurn(
  api: ApiWorker,
  proxy: RunningProxy,
  { count, rate }: { readonly count: number; readonly rate: number },
): Promise<ChurnFigures> {
  const before = cpuSecondsOf(proxy.pid);
  const { followed, missing } = await proxy.during(api.call('churn', { count, rate, seconds: CHANGE_LIMIT }));
  await sleep(AFTER * 1000);
  return { count, rate, followed, missing, cpu: cpuSecondsOf(proxy.pid) - before };
}
