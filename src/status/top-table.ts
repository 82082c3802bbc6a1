import { oneLine } from '../log-line.ts';
import { CONNECTION_RESULTS, type ConnectionResult, type Connections } from './connections.ts';

/** New connections to a port of a Service, by result. */
export interface TopRow {
  readonly namespace: string;
  readonly service: string;
  /** "http/tcp"; "-/tcp" for an unnamed port. */
  readonly port: string;
  /** So far. */
  readonly connections: Readonly<Record<ConnectionResult, number>>;
  /** Per second, between two readings; absent if there is only one. */
  readonly perSecond?: Readonly<Record<ConnectionResult, number>>;
}

/** What rows can be sorted by. */
export type TopOrder = 'rate' | 'total' | 'failed' | 'name';

/** The rows of a reading, for the Services of a namespace or for all; with rates if there is an earlier reading. */
export function topRows(now: Connections, before: Connections | undefined, namespace = ''): readonly TopRow[] {
  const rows = new Map<string, { -readonly [Name in keyof TopRow]: TopRow[Name] }>();
  const seconds = before === undefined ? 0 : (now.readAt - before.readAt) / 1000;
  const earlier = new Map(before?.ports.map((one) => [idOf(one, one.result), one.connections]));
  for (const one of now.ports) {
    if (namespace !== '' && one.namespace !== namespace) continue;
    const id = idOf(one);
    const row = rows.get(id) ?? {
      namespace: one.namespace,
      service: one.service,
      port: `${one.port || '-'}/${one.protocol}`,
      connections: NONE,
      ...(seconds > 0 && { perSecond: NONE }),
    };
    row.connections = { ...row.connections, [one.result]: one.connections };
    if (row.perSecond !== undefined) {
      const news = Math.max(0, one.connections - (earlier.get(idOf(one, one.result)) ?? 0));
      row.perSecond = { ...row.perSecond, [one.result]: news / seconds };
    }
    rows.set(id, row);
  }
  return [...rows.values()];
}

/** Rows in an order: the largest first, equal ones by name. */
export function inTopOrder(rows: readonly TopRow[], order: TopOrder): readonly TopRow[] {
  const sum = (counts: TopRow['perSecond'], results: readonly ConnectionResult[]) =>
    results.reduce((all, result) => all + (counts?.[result] ?? 0), 0);
  const weights: Readonly<Record<TopOrder, (row: TopRow) => readonly number[]>> = {
    rate: ({ perSecond, connections }) => [sum(perSecond, CONNECTION_RESULTS), sum(connections, CONNECTION_RESULTS)],
    total: ({ connections }) => [sum(connections, CONNECTION_RESULTS)],
    failed: ({ perSecond, connections }) => [sum(perSecond, FAILED), sum(connections, FAILED)],
    name: () => [],
  };
  const weighed = rows.map((row) => ({ row, weight: weights[order](row), name: nameOf(row) }));
  return weighed
    .toSorted((a, b) => {
      for (const [i, own] of a.weight.entries()) if (own !== b.weight[i]) return (b.weight[i] ?? 0) - own;
      return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
    })
    .map(({ row }) => row);
}

const FAILED = ['refused', 'dropped'] as const;

const NONE: TopRow['connections'] = { served: 0, refused: 0, dropped: 0 };

/** The lines of a table, heading first, each at most `width` characters wide. They contain no control sequences. */
export function topLines(rows: readonly TopRow[], width = Number.POSITIVE_INFINITY): readonly string[] {
  const cells = [HEADING, ...rows.map(cellsOf)];
  const widths = HEADING.map((_, i) => cells.reduce((most, line) => Math.max(most, line[i]?.length ?? 0), 0));
  // Names are on the left, numbers on the right. In a narrow table, names are cut.
  const numbers = widths.slice(NAMES).reduce((sum, one) => sum + one + GAP.length, 0);
  const room = Math.max(NAMES * LEAST_NAME, width - numbers);
  const names = fitted(widths.slice(0, NAMES), room - (NAMES - 1) * GAP.length);
  return cells.map((line) => {
    const padded = line.map((cell, i) => {
      const name = names[i];
      return name === undefined ? cell.padStart(widths[i] ?? 0) : cut(cell, name).padEnd(name);
    });
    return cut(padded.join(GAP), width).trimEnd();
  });
}

const GAP = '  ';

/** How many columns are names, and their minimum width. */
const NAMES = 3;
const LEAST_NAME = 6;

const HEADING = [
  'NAMESPACE',
  'NAME',
  'PORT',
  ...CONNECTION_RESULTS.map((result) => `${result.toUpperCase()}/S`),
  ...CONNECTION_RESULTS.map((result) => result.toUpperCase()),
];

function cellsOf({ namespace, service, port, connections, perSecond }: TopRow): readonly string[] {
  return [
    ...[namespace, service, port].map(oneLine),
    ...CONNECTION_RESULTS.map((result) => (perSecond === undefined ? '-' : rateText(perSecond[result]))),
    ...CONNECTION_RESULTS.map((result) => `${connections[result]}`),
  ];
}

/** "0", "0.4", "12", "3400". */
function rateText(rate: number): string {
  return rate === 0 ? '0' : rate < 10 ? rate.toFixed(1) : rate.toFixed(0);
}

/** Widths that fit into `room` together: the widest are reduced. */
function fitted(widths: readonly number[], room: number): readonly number[] {
  const left = [...widths];
  for (let over = left.reduce((sum, one) => sum + one, 0) - room; over > 0; over--) {
    const widest = left.indexOf(Math.max(...left));
    if ((left[widest] ?? 0) <= LEAST_NAME) break;
    left[widest] = (left[widest] ?? 0) - 1;
  }
  return left;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function idOf({ namespace, service, port, protocol }: Connections['ports'][number], result = ''): string {
  return [namespace, service, port, protocol, result].join('\0');
}

function nameOf({ namespace, service, port }: TopRow): string {
  return [namespace, service, port].join('\0');
}
