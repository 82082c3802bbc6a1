import { CONNECTION_RESULTS } from './connections.ts';
import { optionTexts, type ServiceRow } from './service-rows.ts';

/** The name of each kind of frontend in a table. */
export const KINDS: Readonly<Record<ServiceRow['kind'], string>> = {
  'cluster-ip': 'ClusterIP',
  'node-port': 'NodePort',
  'external-ip': 'ExternalIP',
  'load-balancer-ip': 'LoadBalancerIP',
};

/** The order of kinds among a Service's frontends. */
const ORDER = Object.keys(KINDS);

/** Columns that are always shown, and those of `-o wide`. */
const COLUMNS: readonly (readonly [title: string, isWide: boolean, (row: ServiceRow, isWide: boolean) => string])[] = [
  ['NAMESPACE', false, ({ namespace }) => namespace],
  ['NAME', false, ({ name }) => name],
  ['PORT', false, ({ port }) => port || '-'],
  ['TYPE', false, ({ kind }) => KINDS[kind]],
  ['FRONTEND', false, ({ address }) => address],
  ['ENDPOINTS', false, endpointCount],
  ['AFFINITY', true, ({ affinity, algorithm }) => affinity ?? algorithm ?? '-'],
  ['STATE', false, stateText],
  ['CONNECTIONS', true, connectionsText],
  ['ADDRESSES', true, ({ endpoints }) => endpoints.join(',') || '-'],
];

/** Rows in the order of a table: by Service, then by kind, address and port. */
export function inOrder(rows: readonly ServiceRow[]): readonly ServiceRow[] {
  const key = ({ namespace, name, kind, address }: ServiceRow) =>
    [namespace, name, ORDER.indexOf(kind), address].join('\0');
  return rows
    .map((row) => [key(row), row] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, row]) => row);
}

/** A table like kubectl's: a heading, and columns separated by three blanks. `atLeast`: see table. */
export function serviceTable(
  rows: readonly ServiceRow[],
  isWide: boolean,
  hasHeading = true,
  atLeast?: number[],
): string {
  const columns = COLUMNS.filter(([, wide]) => isWide || !wide);
  const cells = rows.map((row) => columns.map(([, , text]) => text(row, isWide)));
  const lines = hasHeading ? [columns.map(([title]) => title), ...cells] : cells;
  return table(lines, atLeast);
}

/**
 * Lines of cells in columns separated by three blanks. `atLeast`: the minimum width of each column, in characters. It is
 * updated with the actual widths, so that later lines are aligned with these.
 */
export function table(lines: readonly (readonly string[])[], atLeast: number[] = []): string {
  const widths = atLeast;
  for (const line of lines) for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return lines
    .map((line) => {
      const padded = line.map((cell, i) => cell.padEnd(widths[i] ?? 0));
      return `${padded.join('   ').trimEnd()}\n`;
    })
    .join('');
}

function stateText(row: ServiceRow, isWide: boolean): string {
  const { fate, limits, limitCounts, weights = row.localWeights } = row;
  // The algorithm has its own column.
  const { algorithm: _, ...others } = row;
  const options = isWide ? others : { ...(limits !== undefined && { limits }), ...(limitCounts && { limitCounts }) };
  return [fate, ...optionTexts(options, isWide && weights !== undefined)].join('; ');
}

/** "3 served, 2 refused", "0", or "-" where nothing is counted. */
function connectionsText({ connections }: ServiceRow): string {
  if (connections === undefined) return '-';
  const parts = CONNECTION_RESULTS.filter((result) => connections[result] > 0);
  return parts.map((result) => `${connections[result]} ${result}`).join(', ') || '0';
}

/** "3", or under policy Local "1 here, 3 in total". */
function endpointCount({ endpoints, localEndpoints }: ServiceRow): string {
  return localEndpoints === undefined
    ? `${endpoints.length}`
    : `${localEndpoints.length} here, ${endpoints.length} in total`;
}
