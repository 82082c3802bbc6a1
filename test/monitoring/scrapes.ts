import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../netns/world.ts';
import { readAlertRules, type Series } from './alert-rules.ts';

const URL = 'http://127.0.0.1:10249/metrics';

/** Seconds after the first scrape for which things are thought to go on as they do. */
const GOES_ON = 3600;

/** Seconds by promtool's clock, which begins at 0, at the last scrape. Much earlier times are before its begin. */
const END = 900;

/** Scrapes until something must have come about. */
const MOST = 60;

interface Scrape {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Undefined: nobody answered. */
  readonly text: string | undefined;
}

/**
 * What Prometheus would have of the daemon on a world's node: its real /metrics, once a second, as series for promtool. What
 * comes after the last scrape goes on like what was scraped: counters grow as they did, seconds that something lasts grow by
 * one a second if they grew, and all else stays.
 */
export class Scrapes {
  readonly #world: World;
  #scrapes: Scrape[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Forgets what was scraped. */
  begin(): void {
    this.#scrapes = [];
  }

  /** Scrapes once a second for so many seconds. */
  async take(seconds: number): Promise<void> {
    for (let n = 0; n < seconds; n++) {
      const next = performance.now() + 1000;
      const at = Date.now();
      const argv = ['curl', '-sS', '-f', '-m', '10', URL];
      const { status, stdout } = await this.#world.exec('node', argv, { allowFailure: true });
      this.#scrapes.push({ at, text: status === 0 ? stdout : undefined });
      await sleep(Math.max(0, next - performance.now()));
    }
  }

  /** Scrapes once a second until one matches. */
  async takeUntil(pattern: RegExp): Promise<void> {
    for (let tries = 0; tries < MOST; tries++) {
      await this.take(1);
      if (pattern.test(this.#scrapes.at(-1)?.text ?? '')) return;
    }
    throw new Error(`no scrape matched ${pattern}: ${this.#scrapes.at(-1)?.text}`);
  }

  /** So long after the last scrape, by promtool's clock, which the series go with: "1020s". */
  after(minutes: number): string {
    return `${END + minutes * 60}s`;
  }

  /** The series that the alerts query. */
  get series(): readonly Series[] {
    return this.seriesFor(readAlertRules().map(({ expr }) => expr));
  }

  /** The series that these queries use. Another node is well all the time. */
  seriesFor(queries: readonly string[]): readonly Series[] {
    const used = new Set(queries.flatMap((query) => query.match(/\b\w+_\w+/g) ?? []));
    const texts = this.#scrapes.map(({ text }) => text ?? '');
    const types = new Map(
      texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type])),
    );
    const samples = texts.map(samplesOf);
    const target = 'job="kube-proxy-nft",instance="node-a"';
    const found = new Set(samples.flatMap((one) => [...one.keys()]));
    const series = [...found].flatMap((sample) => {
      const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(sample) ?? [];
      if (!used.has(name)) return [];
      const values = samples.map((one) => this.#shifted(name, one.get(sample)));
      const type = types.get(name) ?? types.get(name.replace(/_bucket$/, ''));
      const going = /_(waiting|failing)_seconds$/.test(name) ? growthOfLasting(values) : growthOf(type, values);
      return [{ series: `${name}{${labels && `${labels},`}${target}}`, values: this.#notation(values, going) }];
    });
    const up = this.#scrapes.map(({ text }) => (text === undefined ? 0 : 1));
    return [
      ...series,
      { series: `up{${target}}`, values: this.#notation(up, 0) },
      { series: 'kubeproxy_nft_elements{job="kube-proxy-nft",instance="node-b"}', values: `1+0x${END + GOES_ON}` },
    ];
  }

  /** Times of the day by promtool's clock. */
  #shifted(name: string, value: number | undefined): number | undefined {
    const start = (this.#scrapes.at(-1)?.at ?? 0) / 1000 - END;
    return value === undefined || value === 0 || !/_(timestamp|start_time)_seconds$/.test(name) ? value : value - start;
  }

  /** In promtool's words, so that the last scrape is at END; undefined: there was no such sample. */
  #notation(values: readonly (number | undefined)[], growth: number): string {
    const last = values.at(-1);
    const texts = values.map((value) => (value === undefined ? 'stale' : `${value}`));
    const rest = last === undefined ? 'stale' : `${last + growth}+${growth}x${GOES_ON}`;
    return `_x${END + 1 - values.length} ${texts.join(' ')} ${rest}`;
  }
}

/** Name with labels, as it is in the text → value. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^([a-z]\w*(?:\{.*\})?) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  );
}

function growthOf(type: string | undefined, values: readonly (number | undefined)[]): number {
  const [first, last] = [values[0], values.at(-1)];
  if (type === 'gauge' || first === undefined || last === undefined) return 0;
  return Math.max(0, last - first) / Math.max(1, values.length - 1);
}

function growthOfLasting(values: readonly (number | undefined)[]): number {
  return (values.at(-1) ?? 0) > (values.at(-2) ?? 0) ? 1 : 0;
}
