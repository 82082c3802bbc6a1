import { type EndpointRow, endpointRows, endpointTable } from '../status/endpoint-rows.ts';
import type { ServiceRow } from '../status/service-rows.ts';
import { inOrder, serviceTable } from '../status/service-table.ts';

/** Converts the frontends of Services to one kind of rows for `get`. */
export interface View<Row extends object> {
  readonly rows: (services: readonly ServiceRow[]) => readonly Row[];
  /** The output of -o name. */
  readonly nameOf: (row: Row) => string;
  /** Identifies a row. */
  readonly keyOf: (row: Row) => string;
  /** How to show a row that no longer exists. */
  readonly gone: (row: Row) => Row;
  /** `widths`: see table. */
  readonly table: (rows: readonly Row[], isWide: boolean, hasHeading: boolean, widths?: number[]) => string;
}

/** `get services`. */
export const SERVICES: View<ServiceRow> = {
  rows: inOrder,
  nameOf: ({ namespace, name }) => `${namespace}/${name}`,
  keyOf: ({ namespace, name, port, kind, address }) => [namespace, name, port, kind, address].join('\0'),
  gone: (row) => ({ ...row, fate: 'gone' }),
  table: serviceTable,
};

/** `get endpoints`. */
export const ENDPOINTS: View<EndpointRow> = {
  rows: endpointRows,
  nameOf: ({ endpoint }) => endpoint,
  keyOf: ({ namespace, name, port, endpoint }) => [namespace, name, port, endpoint].join('\0'),
  gone: ({ note: _noMore, ...row }) => ({ ...row, frontends: [] }),
  table: endpointTable,
};
