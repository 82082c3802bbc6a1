/** Results of tests in rows and columns, for people; rows and columns come in the order of their first result. */
export class ResultTable {
  readonly #rows = new Map<string, Map<string, string>>();
  readonly #columns = new Set<string>();

  /** Runs a test and keeps how it went: "FAILED", or the word it resolves to, or "ok". Rethrows. */
  async record(row: string, column: string, run: () => Promise<string | undefined>): Promise<void> {
    this.#set(row, column, 'FAILED');
    this.#set(row, column, (await run()) ?? 'ok');
  }

  /** The table with aligned columns. */
  toString(): string {
    const columns = [...this.#columns];
    const lines = [
      ['', ...columns],
      ...[...this.#rows].map(([row, cells]) => [row, ...columns.map((column) => cells.get(column) ?? '-')]),
    ];
    const widths = ['', ...columns].map((_, i) => Math.max(...lines.map((cells) => cells[i]?.length ?? 0)));
    return lines
      .map((cells) =>
        cells
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }

  #set(row: string, column: string, cell: string): void {
    this.#columns.add(column);
    const cells = this.#rows.get(row) ?? new Map<string, string>();
    this.#rows.set(row, cells.set(column, cell));
  }
}
