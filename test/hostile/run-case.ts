import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../scripts/bench/statistics.ts';
import { messageOf } from '../../src/errors.ts';
import { ANSWERED_WITHIN, type HostileCase } from './case.ts';
import { differenceAtRest } from './kernel-and-model.ts';
import { LIVEZ, METRICS, Stage } from './stage.ts';

export interface RunSettings {
  /** Of the attacks' numbers: 1 as described. */
  readonly scale: number;
  /** How long an attack goes on. */
  readonly seconds: number;
}

/** How a case ended. Times in milliseconds; infinite for what never came. */
export interface CaseResult {
  readonly name: string;
  readonly attack: string;
  /** From the API server to a packet, of the bystander's changes. */
  readonly delay: { readonly changes: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** The bystander's connections that failed, of all. */
  readonly refused: number;
  readonly connected: number;
  /** Of /livez and what else the case wants answered. */
  readonly livez: Answers;
  /** Milliseconds within which these must be answered on a quiet machine. */
  readonly answeredWithin: number;
  /** Of metrics; undefined where the daemon does not get their port. */
  readonly metrics: Answers | undefined;
  /** MiB: the daemon and its nft processes together. */
  readonly peakMemory: number;
  /** By how much the witness was late itself, at most. */
  readonly lateness: number;
  /** What the kernel and the model differ in, at rest after the attack; undefined for nothing. */
  readonly difference: string | undefined;
  /** What ended the daemon or the case; undefined for nothing. */
  readonly failure: string | undefined;
  readonly log: string;
}

export interface Answers {
  readonly requests: number;
  /** Percent. */
  readonly withinASecond: number;
  readonly longest: number;
  readonly unanswered: number;
}

/** Milliseconds that the bystander's last changes may take. */
const PATIENCE = 30_000;

/** Plays one case on a stage of its own. */
export async function runCase(hostile: HostileCase, { scale, seconds }: RunSettings): Promise<CaseResult> {
  using stage = new Stage(scale);
  const urls = [LIVEZ, ...(hostile.urls ?? [])];
  let failure: string | undefined;
  try {
    await stage.prepare();
    await hostile.before?.(stage);
    await stage.startDaemon(hostile.flags);
    await stage.watch([...urls, ...(hostile.hasNoMetrics ? [] : [METRICS])]);
    stage.bystander.start();
    const time = AbortSignal.timeout(seconds * 1000);
    await Promise.all([hostile.during?.(stage, time), over(time)]);
  } catch (error) {
    failure = messageOf(error);
  }
  stage.bystander.stop();
  const end = performance.now() + (failure === undefined ? PATIENCE : 0);
  while (!stage.bystander.isServed && performance.now() < end && stage.daemon.isRunning) await sleep(20);
  const { answers = {}, peakMemory = 0, lateness = 0, connected = 0, refused = 0 } = (await testimonyOf(stage)) ?? {};
  const { delays } = stage.bystander;
  const difference = failure === undefined ? await differenceAtRest(stage.world, stage.daemon) : 'not compared';
  if (!stage.daemon.isRunning) failure ??= 'the daemon ended';
  const { name, attack } = hostile;
  return {
    name,
    attack,
    delay: {
      changes: delays.length,
      p50: percentile(orNever(delays), 50),
      p99: percentile(orNever(delays), 99),
      max: percentile(orNever(delays), 100),
    },
    connected,
    refused,
    livez: answersOf(urls.flatMap((url) => answers[url] ?? [])),
    answeredWithin: hostile.answeredWithin ?? ANSWERED_WITHIN,
    metrics: hostile.hasNoMetrics ? undefined : answersOf(answers[METRICS] ?? []),
    peakMemory,
    lateness,
    difference,
    failure,
    log: stage.daemon.log,
  };
}

async function testimonyOf(stage: Stage) {
  return Promise.race([stage.testimony(), sleep(5000, undefined, { ref: false })]);
}

function orNever(delays: readonly number[]): readonly number[] {
  return delays.length === 0 ? [Number.POSITIVE_INFINITY] : delays;
}

function answersOf(milliseconds: readonly number[]): Answers {
  const answered = milliseconds.filter((time) => time >= 0);
  const inTime = answered.filter((time) => time <= 1000);
  return {
    requests: milliseconds.length,
    withinASecond: (100 * inTime.length) / Math.max(1, milliseconds.length),
    longest: Math.max(0, ...answered),
    unanswered: milliseconds.length - answered.length,
  };
}

function over(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
