import type { Answers, CaseResult } from './run-case.ts';

const HEADINGS = [
  'case',
  'changes',
  'p50 ms',
  'p99 ms',
  'max ms',
  'refused',
  '/livez in 1 s',
  'longest ms',
  'metrics ms',
  'MiB',
  'late ms',
  'kernel',
];

/** The results as a table of Markdown. */
export function resultTable(results: readonly CaseResult[]): string {
  const rows = [HEADINGS, HEADINGS.map((_, i) => (i === 0 ? '---' : '---:')), ...results.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |\n`,
    )
    .join('');
}

function rowOf({
  name,
  delay,
  refused,
  livez,
  metrics,
  peakMemory,
  lateness,
  difference,
  failure,
}: CaseResult): readonly string[] {
  return [
    name,
    String(delay.changes),
    milliseconds(delay.p50),
    milliseconds(delay.p99),
    milliseconds(delay.max),
    String(refused),
    `${percent(livez)} %`,
    longest(livez),
    metrics === undefined ? '–' : longest(metrics),
    peakMemory.toFixed(0),
    lateness.toFixed(0),
    failure === undefined ? (difference === undefined ? '= model' : 'differs') : 'failed',
  ];
}

function longest({ unanswered, longest }: Answers): string {
  return unanswered > 0 ? 'none' : milliseconds(longest);
}

function milliseconds(value: number): string {
  return Number.isFinite(value) ? value.toFixed(0) : 'never';
}

/** Rounded down: 99.99 is not 100. */
function percent({ withinASecond }: Answers): string {
  return withinASecond === 100 ? '100' : (Math.floor(withinASecond * 10) / 10).toFixed(1);
}
