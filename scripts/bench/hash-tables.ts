import process from 'node:process';
import { fillTable, type HashTable, tableSize } from '../../src/service/hash-table.ts';
import { atOnce } from '../../src/service/steps.ts';
import { boundedRendezvous, type Filling, maglev } from './reference-tables.ts';

/**
 * Figures of the tables for consistent hashing, for docs/beyond-kube-proxy.md: `node scripts/bench/hash-tables.ts`. Shares,
 * clients that move when an endpoint comes or goes, and when the number of slots doubles, whether nodes with different
 * histories agree, and the time to fill a table. A second part compares our tables with those of Maglev and of bounded-load
 * rendezvous hashing.
 */

const COUNTS = [
  2, 5, 10, 16, 17, 24, 32, 33, 48, 64, 65, 100, 112, 128, 129, 200, 217, 241, 256, 257, 300, 406, 500, 512, 513, 780,
  860, 1000, 1024, 1025, 1600, 2000, 2048, 3120, 3400, 4096, 5000,
];

/** Clusters of each size, and endpoints that come and go in each. */
const RUNS = 6;
const CHANGES = 8;

interface Place {
  readonly address: string;
  readonly port: number;
}

/** Two clusters each with consecutive addresses, with scattered ones, and with IPv6. */
function addressIn(run: number, i: number): string {
  const scattered = Math.imul(i, 0x9e3779b1) >>> 0;
  if (run % 3 === 0) return `10.${run}.${i >> 8}.${i & 255}`;
  if (run % 3 === 1)
    return `10.${scattered >>> 24}.${(scattered >>> 16) & 255}.${((scattered >>> 8) & 127) * 2 + (run >> 2)}`;
  return `fd00:${run}::${(i * 37 + 5).toString(16)}`;
}

const endpointsOf = (count: number, run: number): readonly Place[] =>
  Array.from({ length: count }, (_, i) => ({ address: addressIn(run, i), port: 8080 }));

/** Ours, or another way to fill a table of the same size. */
type Method = (endpoints: readonly Place[]) => HashTable;

const ours: Method = (endpoints) => atOnce(fillTable(endpoints));

const by =
  (filling: Filling): Method =>
  (endpoints) => {
    const sorted = [...endpoints.keys()].sort((a, b) => compare(endpoints[a], endpoints[b]));
    const names = sorted.map((place) => endpoints[place]?.address ?? '');
    return filling(names, tableSize(endpoints.length)).map((rank) => sorted[rank] ?? 0);
  };

function compare(a: Place | undefined, b: Place | undefined): number {
  return (a?.address ?? '') < (b?.address ?? '') ? -1 : 1;
}

function fill(
  endpoints: readonly Place[],
  method: Method,
): { readonly owners: readonly string[]; readonly milliseconds: number } {
  const begun = performance.now();
  const table = method(endpoints);
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

/** The largest and the smallest share, over the mean. */
function shares(owners: readonly string[], count: number): { readonly largest: number; readonly smallest: number } {
  const slots = new Map<string, number>();
  for (const owner of owners) slots.set(owner, (slots.get(owner) ?? 0) + 1);
  const mean = owners.length / count;
  return { largest: Math.max(...slots.values()) / mean, smallest: Math.min(...slots.values()) / mean };
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** What was measured with clusters of one size. */
interface Figures {
  readonly largest: number;
  readonly smallest: number;
  /** The share of clients that move with one endpoint more or less: of all changes, and the mean of each cluster. */
  readonly moved: readonly number[];
  readonly means: readonly number[];
  /** The same where the number of slots changes. */
  readonly doubling: readonly number[];
  readonly agree: number;
  readonly milliseconds: number;
}

function measure(count: number, method: Method): Figures {
  const rows = Array.from({ length: RUNS }, (_, run) => {
    const list = endpointsOf(count, run);
    const table = fill(list, method);
    const changes = Array.from({ length: CHANGES }, (_, i) => {
      const more = fill([...list, { address: addressIn(run, count + i), port: 8080 }], method);
      const fewer = fill(list.toSpliced(Math.floor((count * i) / CHANGES), 1), method);
      return [more, fewer].map(({ owners }) => ({ owners, moved: moved(table.owners, owners) }));
    }).flat();
    const isSame = ({ owners }: { readonly owners: readonly string[] }) => owners.length === table.owners.length;
    return {
      ...shares(table.owners, count),
      moved: changes.filter(isSame).map((change) => change.moved),
      doubling: changes.filter(({ owners }) => owners.length > table.owners.length).map((change) => change.moved),
      agree: 1 - moved(table.owners, fill(list.toReversed(), method).owners),
      milliseconds: table.milliseconds,
    };
  });
  return {
    largest: Math.max(...rows.map((row) => row.largest)),
    smallest: Math.min(...rows.map((row) => row.smallest)),
    moved: rows.flatMap((row) => row.moved),
    means: rows.map((row) => mean(row.moved)),
    doubling: rows.flatMap((row) => row.doubling),
    agree: mean(rows.map((row) => row.agree)),
    milliseconds: mean(rows.map((row) => row.milliseconds)),
  };
}

const percent = (share: number, digits: number) => `${(share * 100).toFixed(digits)} %`;

function print(lines: readonly (readonly string[])[]): void {
  process.stdout.write(lines.map((cells) => `${cells.map((cell) => cell.padStart(11)).join('')}\n`).join(''));
}

print([
  ['endpoints', 'slots', 'largest', 'smallest', 'moved', 'of 1/n', 'cluster', 'worst', 'doubling', 'agree', 'ms'],
]);
for (const count of COUNTS) {
  const { largest, smallest, moved: all, means, doubling, agree, milliseconds } = measure(count, ours);
  print([
    [
      `${count}`,
      `${tableSize(count)}`,
      largest.toFixed(3),
      smallest.toFixed(2),
      percent(mean(all), 2),
      (mean(all) * count).toFixed(2),
      (Math.max(...means) * count).toFixed(2),
      (Math.max(...all) * count).toFixed(2),
      doubling.length > 0 ? percent(mean(doubling), 1) : '',
      percent(agree, 0),
      milliseconds.toFixed(1),
    ],
  ]);
}

print([[], ['method', 'endpoints', 'largest', 'of 1/n', 'worst', 'doubling', 'ms']]);
for (const [name, method] of [
  ['ours', ours],
  ['maglev', by(maglev)],
  ['rendezvous', by(boundedRendezvous)],
] as const) {
  for (const count of [10, 16, 100, 128, 243, 1000, 1024]) {
    const { largest, moved: all, doubling, milliseconds } = measure(count, method);
    print([
      [
        name,
        `${count}`,
        largest.toFixed(3),
        (mean(all) * count).toFixed(2),
        (Math.max(...all) * count).toFixed(2),
        doubling.length > 0 ? percent(mean(doubling), 1) : '',
        milliseconds.toFixed(1),
      ],
    ]);
  }
}
