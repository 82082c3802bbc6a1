import { CHANGE_LIMIT, type ChurnFigures, type Figures } from './peer-figures.ts';
import type { Contender } from './peer-proxies.ts';
import type { Followed } from './peer-worker.ts';
import { median, percentile } from './statistics.ts';

/** A figure of ours, unrounded, and the peer's; or one of their surroundings, without a second value. */
export interface PeerRow {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly theirs?: number;
}

/** Before each name. */
const PREFIX = 'beside kube-proxy: ';

/** What is reported of two proxies on a cluster of one size. */
export function peerRows(figures: Readonly<Record<Contender, Figures>>): readonly PeerRow[] {
  const row = (name: string, unit: string, of: (figures: Figures) => number): PeerRow => ({
    name: `${PREFIX}${name}`,
    unit,
    value: of(figures.ours),
    theirs: of(figures.theirs),
  });
  const milliseconds = (name: string, of: (figures: Figures) => readonly number[], percents: readonly number[]) =>
    percents.map((percent) =>
      row(`${name}, ${percent === 100 ? 'max' : `p${percent}`}`, 'ms', (one) => percentile(of(one), percent)),
    );
  // How fast the API server is, whoever reads from it.
  const told = (name: string, of: (figures: Figures) => readonly Followed[]): PeerRow => ({
    name: `${name} until a bare watch tells it, p50`,
    unit: 'ms',
    value: median([...of(figures.ours), ...of(figures.theirs)].map((one) => one.told)),
  });
  return [
    row('start until the last Service answers', 'ms', ({ starts }) => median(starts.map((one) => one.milliseconds))),
    row('CPU time of that start', 's', ({ starts }) => median(starts.map(({ cpu }) => cpu))),
    row('RSS with children', 'MiB', ({ memory }) => memory.rss),
    row('RssAnon with children', 'MiB', ({ memory }) => memory.rssAnon),
    row('idle CPU', '%', ({ idle }) => idle * 100),
    ...milliseconds('one change until traffic follows', ({ changes }) => arrivals(changes), [50, 90, 100]),
    told('one change', ({ changes }) => changes),
    ...figures.ours.churns.flatMap(({ rate }, i) => {
      const churn = (of: (churn: ChurnFigures) => number) => (one: Figures) => of(one.churns[i] as ChurnFigures);
      return [
        row(
          `CPU at ${rate} changes/s`,
          '%',
          churn(({ cpu, count }) => ((cpu * rate) / count) * 100),
        ),
        row(
          `CPU time for 1,000 changes at ${rate}/s`,
          's',
          churn(({ cpu, count }) => (cpu / count) * 1000),
        ),
        ...milliseconds(
          `a change at ${rate}/s until traffic follows`,
          (one) => churnArrivals(one.churns[i] as ChurnFigures),
          [50, 99],
        ),
        told(`a change at ${rate}/s`, (one) => one.churns[i]?.followed ?? []),
      ];
    }),
    row('restart with one change, until traffic follows', 'ms', ({ restarts }) =>
      median(restarts.map((one) => one.milliseconds)),
    ),
    row('CPU time of that restart', 's', ({ restarts }) => median(restarts.map(({ cpu }) => cpu))),
  ];
}

function arrivals(followed: readonly Followed[]): readonly number[] {
  return followed.map(({ arrived }) => arrived);
}

/** What never arrived took the limit, at least. */
function churnArrivals({ followed, missing }: ChurnFigures): readonly number[] {
  return [...arrivals(followed), ...Array.from({ length: missing }, () => CHANGE_LIMIT * 1000)];
}
