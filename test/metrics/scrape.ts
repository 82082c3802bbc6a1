import type { Metrics } from '../../src/metrics/metrics.ts';

/** What a scrape says of one metric. */
export interface ScrapedMetric {
  readonly type: string;
  readonly help: string;
  /** The names of its labels, sorted; without a histogram's `le`. */
  readonly labels: readonly string[];
  /** Of a histogram, in order. */
  readonly buckets: readonly string[];
}

/** Reads the text format, apart from the library that wrote it. */
export function parseScrape(text: string): ReadonlyMap<string, ScrapedMetric> {
  const found = new Map<string, ScrapedMetric>();
  for (const block of text.split(/^(?=# HELP )/m)) {
    const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/m.exec(block) ?? [];
    const samples = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const pairs = samples.flatMap((line) => [...line.matchAll(/(\w+)="([^"]*)"/g)]);
    const values = (wanted: string) => pairs.filter(([, label]) => label === wanted).map(([, , value = '']) => value);
    found.set(name, {
      type: /^# TYPE \S+ (\S+)$/m.exec(block)?.[1] ?? '',
      help,
      labels: [...new Set(pairs.map(([, label = '']) => label))].filter((label) => label !== 'le').sort(),
      buckets: [...new Set(values('le'))],
    });
  }
  return found;
}

/** The samples of a scrape that begin so, in order, without zeros: `name{label="value"} 1`. */
export async function samples(metrics: Metrics, start: string): Promise<readonly string[]> {
  const lines = (await metrics.render()).split('\n');
  return lines.filter((line) => line.startsWith(start) && !line.endsWith(' 0'));
}
