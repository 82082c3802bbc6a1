import type { Service } from '../objects/service.ts';
import type { EndpointChoice } from './endpoints.ts';
import { fillTable, type HashBy, type HashTable } from './hash-table.ts';
import type { PortDemand } from './service-budget.ts';
import type { Steps } from './steps.ts';
import type { TableDemand } from './table-budget.ts';

/** How a hash selects the endpoints of a frontend: what is hashed, and the tables. */
export interface Hashing {
  readonly by: HashBy;
  /** The table of `endpoints`, and that of `localEndpoints`. */
  readonly table: HashTable;
  readonly localTable: HashTable;
}

const NO_TABLE: HashTable = new Uint16Array(0);

/** The tables of a port's frontends: of the endpoints on this node, and of all endpoints. */
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

/** The cost of a port's frontends if a hash selects their endpoints. */
export function tableDemandOf({ choice, clusterWeight, clusterSlots, localWeight, fixed }: PortDemand): TableDemand {
  return {
    endpoints: Math.max(choice.cluster.length, choice.local.length),
    tables: clusterSlots + localWeight,
    // Source NAT, and a hairpin if it may run on this node.
    each: clusterWeight - clusterSlots + 1,
    fixed,
  };
}

/** The same if weights take no additional slots: a table has the same size with weights. */
export function withoutSlots(demand: PortDemand): PortDemand {
  return { ...demand, clusterSlots: 0, localWeight: 0 };
}
