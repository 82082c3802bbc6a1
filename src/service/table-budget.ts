import { MAX_SLOTS, SLOTS_EACH, tableSize } from './hash-table.ts';
import { largest } from './service-budget.ts';

/** A port of a Service whose endpoints are selected by hash. */
export interface TableDemand {
  /** The maximum number of endpoints in one of its tables. */
  readonly endpoints: number;
  /** How many tables its frontends have. */
  readonly tables: number;
  /** Further elements for each endpoint. */
  readonly each: number;
  /** Elements that do not depend on the endpoints. */
  readonly fixed: number;
}

/** How large tables may be. */
export interface TableLimit {
  /** Slots for each endpoint, as in tableSize. */
  readonly slotsEach: number;
  /** How many endpoints each table may have; absent: all. */
  readonly limit?: number;
  /** The maximum number of elements. */
  readonly elements: number;
}

/**
 * How large the tables of a Service may be within `budget` elements. It reduces slots before endpoints. Nodes with the same
 * endpoints and the same budget have the same tables. The budget of one Service (--max-elements-per-service) is the same on
 * all nodes. What is left of the total budget (--max-elements) is not, because its default comes from the node's memory. A
 * Service that this leaves short may have other tables than on other nodes, and its shortfall says so.
 */
export function tableLimit(demands: readonly TableDemand[], budget: number): TableLimit {
  const elements = (slotsEach: number, limit: number) =>
    demands.reduce((sum, { endpoints, tables, each, fixed }) => {
      const used = Math.min(endpoints, limit);
      return sum + fixed + tables * tableSize(used, slotsEach) + each * used;
    }, 0);
  const wanted = demands.reduce((max, { endpoints }) => Math.max(max, endpoints), 0);
  const most = Math.min(wanted, MAX_SLOTS);
  const isLimited = most < wanted;
  for (let slotsEach = SLOTS_EACH; slotsEach >= 1; slotsEach /= 2) {
    const sum = elements(slotsEach, most);
    if (sum <= budget) return { slotsEach, elements: sum, ...(isLimited && { limit: most }) };
  }
  const limit = Math.max(
    1,
    largest(most, (candidate) => elements(1, candidate) <= budget),
  );
  return { slotsEach: 1, limit, elements: elements(1, limit) };
}
