/** One figure of the benchmark, as dist/bench.json has it. */
export interface Row {
  readonly name: string;
  /** What it was measured on: "10000x5" is 10,000 Services with 5 endpoints each. */
  readonly size: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, in the same run and unit: mostly the same work done with as little as it can be done
   * with; null if there is no such. */
  readonly floor: number | null;
  /** value / floor; null without a floor, and where that is nothing. */
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
    ratio: floor === undefined || floor === 0 ? null : Math.round((value / floor) * 100) / 100,
  };
}

/** Three significant digits, but all digits before the point. */
function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}
