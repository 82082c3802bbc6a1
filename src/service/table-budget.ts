import { MAX_SLOTS, SLOTS_EACH, tableSize } from './hash-table.ts';
import { largest } from './service-budget.ts';

/** One port of a Service whose endpoints are chosen by hash. */
export interface TableDemand {
  /** The most endpoints that one of its tables has. */
  readonly endpoints: number;
  /** How many tables its frontends have. */
  readonly tables: number;
  /** Elements for each endpoint besides. */
  readonly each: number;
  /** Elements whatever the endpoints. */
  readonly fixed: number;
}

/** How large tables may be. */
export interface TableLimit {
  /** Slots for each endpoint, as tableSize has it. */
  readonly slotsEach: number;
  /** How many endpoints each table may have; absent: as many as there are. */
  readonly limit?: number;
  /** How many elements that makes, at most. */
  readonly elements: number;
}

/**
 * How large the tables of a Service may be within its budget: fewer slots come before fewer endpoints. It depends on nothing
 * that is another on another node but for the endpoints themselves, since all nodes are to have the same tables.
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
