import type { Row } from './row.ts';
import { verdictOn } from './targets.ts';

/** Column widths; numbers are aligned to the right. */
const WIDTHS = { name: 62, size: 13, value: 9, unit: 12, floor: 9, ratio: 7 } as const;

const HEAD = { name: 'name', size: 'size', value: 'value', unit: 'unit', floor: 'floor', ratio: 'ratio' };

/** The table's head, two lines. */
export function tableHead(): string {
  const line = `${cells(HEAD)}  target`;
  return `${line}\n${'-'.repeat(line.length)}`;
}

/** A row as a line of the table, with what its target says. */
export function tableLine(row: Row): string {
  return `${cells(texts(row))}  ${verdictOn(row)}`.trimEnd();
}

/** All rows as a Markdown table. */
export function markdownTable(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line([...Object.values(HEAD), 'target']),
    '|---|---|---:|---|---:|---:|---|',
    ...rows.map((row) => line([...Object.values(texts(row)), verdictOn(row)])),
  ].join('\n');
}

function texts({ name, size, value, unit, floor, ratio }: Row): typeof HEAD {
  return {
    name,
    size,
    value: String(value),
    unit,
    floor: floor === null ? '' : String(floor),
    ratio: ratio === null ? '' : ratio.toFixed(2),
  };
}

function cells(texts: typeof HEAD): string {
  const right = (key: 'value' | 'floor' | 'ratio') => texts[key].padStart(WIDTHS[key]);
  const left = (key: 'name' | 'size' | 'unit') => texts[key].padEnd(WIDTHS[key]);
  return [left('name'), left('size'), right('value'), left('unit'), right('floor'), right('ratio')].join(' ');
}
