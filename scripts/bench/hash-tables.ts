import process from 'node:process';
import { fillTable, type HashTable, tableSize } from '../../src/service/hash-table.ts';
import { atOnce } from '../../src/service/steps.ts';

/**
 * Figures of the tables for consistent hashing, for docs/beyond-kube-proxy.md: `node scripts/bench/hash-tables.ts`. Shares,
 * clients that move with one endpoint more, whether nodes with different histories agree, and the time to fill a table.
 */

const COUNTS = [2, 5, 10, 16, 17, 32, 33, 64, 65, 100, 128, 129, 256, 1000, 4096];

/** Clusters of each size. */
const RUNS = 5;

interface Place {
  readonly address: string;
  readonly port: number;
}

const endpointsOf = (count: number, run: number): readonly Place[] =>
  Array.from({ length: count }, (_, i) => ({ address: `10.${run}.${i >> 8}.${i & 255}`, port: 8080 }));

function fill(endpoints: readonly Place[]): { readonly owners: readonly string[]; readonly milliseconds: number } {
  const begun = performance.now();
  const table: HashTable = atOnce(fillTable(endpoints));
  const milliseconds = performance.now() - begun;
  return { owners: Array.from(table, (place) => endpoints[place]?.address ?? ''), milliseconds };
}

/** The share of clients that have another endpoint: slot i is slots 2i and 2i + 1 at twice the size. */
function moved(before: readonly string[], after: readonly string[]): number {
  const most = Math.max(before.length, after.length);
  let count = 0;
  for (let i = 0; i < most; i++) {
    const [old, young] = [before, after].map((slots) => slots[Math.floor((i * slots.length) / most)]);
    if (old !== young) count++;
  }
  return count / most;
}

function largestShare(owners: readonly string[], count: number): number {
  const slots = new Map<string, number>();
  for (const owner of owners) slots.set(owner, (slots.get(owner) ?? 0) + 1);
  return (Math.max(...slots.values()) * count) / owners.length;
}

const lines = [['endpoints', 'slots', 'largest/mean', 'moved', 'of 1/n', 'worst of 1/n', 'agree', 'ms']];
for (const count of COUNTS) {
  const rows = Array.from({ length: RUNS }, (_, run) => {
    const list = endpointsOf(count, run);
    const table = fill(list);
    const more = fill([...list, { address: `10.${run}.250.1`, port: 8080 }]);
    const other = fill(list.toReversed());
    return {
      share: largestShare(table.owners, count),
      moved: moved(table.owners, more.owners),
      agree: 1 - moved(table.owners, other.owners),
      milliseconds: table.milliseconds,
    };
  });
  const mean = (of: (row: (typeof rows)[number]) => number) => rows.reduce((sum, row) => sum + of(row), 0) / RUNS;
  const most = (of: (row: (typeof rows)[number]) => number) => Math.max(...rows.map(of));
  lines.push([
    `${count}`,
    `${tableSize(count)}`,
    most((row) => row.share).toFixed(3),
    `${(mean((row) => row.moved) * 100).toFixed(2)} %`,
    (mean((row) => row.moved) * (count + 1)).toFixed(2),
    (most((row) => row.moved) * (count + 1)).toFixed(2),
    `${(mean((row) => row.agree) * 100).toFixed(0)} %`,
    mean((row) => row.milliseconds).toFixed(1),
  ]);
}
process.stdout.write(lines.map((cells) => `${cells.map((cell) => cell.padStart(12)).join('')}\n`).join(''));
