import { writeFileSync } from 'node:fs';
import { type Row, row } from './row.ts';
import { tableHead, tableLine } from './table.ts';

/** Prints rows as they come and keeps them. */
export class Report {
  readonly #rows: Row[] = [];

  /** Prints a line about the run as a whole. */
  note(line: string): void {
    console.log(line);
  }

  /** Takes a figure, unrounded, and what it is compared with. */
  add(name: string, size: string, value: number, unit: string, floor?: number): void {
    if (this.#rows.length === 0) console.log(tableHead());
    const added = row(name, size, value, unit, floor);
    this.#rows.push(added);
    console.log(tableLine(added));
  }

  /** Writes all rows as a JSON array. */
  write(path: string): void {
    writeFileSync(path, `${JSON.stringify(this.#rows, null, 2)}\n`);
  }
}
