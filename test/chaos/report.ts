import { percentile } from '../../scripts/bench/statistics.ts';
import type { Outcome } from './campaign.ts';

const HEADINGS = [
  'kind',
  'injected',
  'noticed',
  'p50 s',
  'p99 s',
  'repaired',
  'hit traffic',
  'reachable p50 s',
  'p99 s',
  'changes p50 s',
  'p99 s',
  'tried',
  'lost outside',
];

/** The outcomes by kind, as a table of Markdown. */
export function reportTable(outcomes: readonly Outcome[]): string {
  const kinds = [...new Set(outcomes.map(({ fault }) => fault.kind))].toSorted();
  const rows = [
    HEADINGS,
    HEADINGS.map((_, i) => (i === 0 ? '---' : '---:')),
    ...kinds.map((kind) =>
      rowOf(
        kind,
        outcomes.filter(({ fault }) => fault.kind === kind),
      ),
    ),
    rowOf('all', outcomes),
  ];
  return rows.map((row) => `| ${row.join(' | ')} |\n`).join('');
}

/** How long changes of a Service that no fault is about waited while something was repaired. */
export function bystandersLine(outcomes: readonly Outcome[]): string {
  const repaired = outcomes.filter(({ fault }) => fault.isTold);
  const changes = repaired.flatMap((outcome) => outcome.changes);
  const [p50, p99] = seconds(changes);
  const worst = changes.length === 0 ? '–' : (Math.max(...changes) / 1000).toFixed(2);
  return `bystanders' changes during repairs: ${changes.length}, p50 ${p50} s, p99 ${p99} s, the slowest ${worst} s`;
}

function rowOf(kind: string, outcomes: readonly Outcome[]): readonly string[] {
  const noticed = outcomes.flatMap((outcome) => outcome.noticed ?? []);
  const reachable = outcomes.flatMap((outcome) => outcome.reachable ?? []);
  const changes = outcomes.flatMap((outcome) => outcome.changes);
  const isTold = outcomes.every(({ fault }) => fault.isTold) || noticed.length > 0;
  return [
    kind,
    `${outcomes.length}`,
    isTold ? `${noticed.length}` : '–',
    ...seconds(noticed),
    `${outcomes.filter((outcome) => outcome.repaired !== undefined).length}`,
    `${reachable.length}`,
    ...seconds(reachable),
    ...seconds(changes),
    `${sum(outcomes, (outcome) => outcome.tried)}`,
    `${sum(outcomes, (outcome) => outcome.lostOutside)}`,
  ];
}

/** The middle and the 99th percentile of some milliseconds. */
function seconds(milliseconds: readonly number[]): readonly string[] {
  if (milliseconds.length === 0) return ['–', '–'];
  return [50, 99].map((percent) => (percentile(milliseconds, percent) / 1000).toFixed(2));
}

/** What must not be: one line each. */
export function shortcomings(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes.flatMap(({ fault, what, noticed, repaired, lostOutside, examples }) => [
    ...(fault.isTold && noticed === undefined ? [`${fault.kind}: not noticed: ${what}`] : []),
    ...(repaired === undefined ? [`${fault.kind}: not repaired: ${what}`] : []),
    ...(lostOutside > 0
      ? [`${fault.kind}: ${lostOutside} connections lost outside the window: ${what}; ${examples.join('; ')}`]
      : []),
  ]);
}

function sum(outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number {
  return outcomes.reduce((total, outcome) => total + of(outcome), 0);
}
