import type { Service } from '../objects/service.ts';
import type { EndpointChoice } from './endpoints.ts';
import { fillTable, type HashBy, type HashTable } from './hash-table.ts';
import type { PortDemand } from './service-budget.ts';
import type { Steps } from './steps.ts';
import type { TableDemand } from './table-budget.ts';

/** How a hash chooses the endpoints of a frontend: what of a connection is hashed, and its tables. */
export interface Hashing {
  readonly by: HashBy;
  /** Of `endpoints`, and of `localEndpoints`. */
  readonly table: HashTable;
  readonly localTable: HashTable;
}

const NO_TABLE: HashTable = new Uint16Array(0);

/** The tables of a port's frontends: of those of this node's endpoints alone, and of all others. */
export function* hashingSteps(
  by: HashBy,
  { cluster, local }: EndpointChoice,
  { internalLocal, externalLocal }: Service,
  slotsEach?: number,
): Steps<{ readonly all: Hashing; readonly here: Hashing }> {
  const table = yield* fillTable(cluster, slotsEach);
  const localTable = internalLocal || externalLocal ? yield* fillTable(local, slotsEach) : NO_TABLE;
  return { all: { by, table, localTable }, here: { by, table: localTable, localTable: NO_TABLE } };
}

/** What a port's frontends take where a hash chooses their endpoints. */
export function tableDemandOf({ choice, clusterWeight, clusterSlots, localWeight, fixed }: PortDemand): TableDemand {
  return {
    endpoints: Math.max(choice.cluster.length, choice.local.length),
    tables: clusterSlots + localWeight,
    // Source NAT, and a hairpin if it may run on this node.
    each: clusterWeight - clusterSlots + 1,
    fixed,
  };
}

/** The same where weights take no more slots: a table has as many as without. */
export function withoutSlots(demand: PortDemand): PortDemand {
  return { ...demand, clusterSlots: 0, localWeight: 0 };
}
