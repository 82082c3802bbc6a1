import { writeFileSync } from 'node:fs';
import { type Row, row, tableHead, tableLine } from './row.ts';

/** What a figure is compared with. */
export interface Comparison {
  readonly floor?: number;
  /** The largest value / floor that will do. */
  readonly target?: number;
}

/** Prints rows as they come and keeps them. */
export class Report {
  readonly #rows: Row[] = [];

  /** Prints a line about the run as a whole. */
  note(line: string): void {
    console.log(line);
  }

  /** Takes a figure, unrounded. */
  add(name: string, size: string, value: number, unit: string, { floor, target }: Comparison = {}): void {
    if (this.#rows.length === 0) console.log(tableHead());
    const added = row(name, size, value, unit, floor);
    this.#rows.push(added);
    console.log(tableLine(added, target));
  }

  /** Writes all rows as a JSON array. */
  write(path: string): void {
    writeFileSync(path, `${JSON.stringify(this.#rows, null, 2)}\n`);
  }
}
