/** One figure of the benchmark, as dist/bench.json has it. */
export interface Row {
  readonly name: string;
  /** What it was measured on: "10000x5" is 10,000 Services with 5 endpoints each. */
  readonly size: string;
  readonly value: number;
  readonly unit: string;
  /** The same work done with as little as it can be done with, in the same run and unit; null if there is no such. */
  readonly floor: number | null;
  /** value / floor */
  readonly ratio: number | null;
}

/** A row from unrounded figures. */
export function row(name: string, size: string, value: number, unit: string, floor?: number): Row {
  return {
    name,
    size,
    value: rounded(value),
    unit,
    floor: floor === undefined ? null : rounded(floor),
    ratio: floor === undefined ? null : Math.round((value / floor) * 100) / 100,
  };
}

/** Column widths; numbers are aligned to the right. */
const WIDTHS = { name: 56, size: 15, value: 9, unit: 9, floor: 9, ratio: 7 } as const;

/** The table's head, two lines. */
export function tableHead(): string {
  const head = cells({ name: 'name', size: 'size', value: 'value', unit: 'unit', floor: 'floor', ratio: 'ratio' });
  const line = `${head}  target`;
  return `${line}\n${'-'.repeat(line.length)}`;
}

/** A row as a line of the table. `target`: the largest ratio that will do. */
export function tableLine({ name, size, value, unit, floor, ratio }: Row, target?: number): string {
  const line = cells({
    name,
    size,
    value: String(value),
    unit,
    floor: floor === null ? '' : String(floor),
    ratio: ratio === null ? '' : ratio.toFixed(2),
  });
  if (target === undefined || ratio === null) return line.trimEnd();
  return `${line}  ${ratio <= target ? 'ok' : 'MISSED'} (at most ${target})`;
}

function cells(texts: Readonly<Record<keyof typeof WIDTHS, string>>): string {
  const right = (key: 'value' | 'floor' | 'ratio') => texts[key].padStart(WIDTHS[key]);
  const left = (key: 'name' | 'size' | 'unit') => texts[key].padEnd(WIDTHS[key]);
  return [left('name'), left('size'), right('value'), left('unit'), right('floor'), right('ratio')].join(' ');
}

/** Three significant digits, but all digits before the point. */
function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}
