import { FAMILIES, type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';

/** Changes of one family that wait to be programmed and are measured; of more at a time, the first. */
const MAX_WAITING = 10_000;

/**
 * Measures how long it takes from a change of a Pod or Service, as the controller noted it in the slice, until the
 * kernel has it: kube-proxy's network programming latency, the SLI of the scalability group. Changes from before the
 * start are not measured, nor are deletions, whose time nobody notes.
 */
export class NetworkProgramming {
  readonly #startedAt: number;
  readonly #observe: (family: Family, seconds: number) => void;
  readonly #waiting: ReadonlyMap<Family, number[]>;
  /** How many of those that wait, from the first on, are part of the transaction on its way. */
  readonly #taken = new Map<Family, number>();

  /** `families`: those that are programmed. `startedAt`: of this process, in ms since 1970. */
  constructor(families: readonly Family[], startedAt: number, observe: (family: Family, seconds: number) => void) {
    this.#startedAt = startedAt;
    this.#observe = observe;
    this.#waiting = new Map(families.map((family) => [family, []]));
  }

  /** Notes a slice that was added or changed. One without endpoints does not tell its family: it counts for each. */
  sliceChanged({ triggeredAt, endpoints: [first] }: EndpointSlice): void {
    if (triggeredAt === undefined || triggeredAt <= this.#startedAt) return;
    const family = first && familyOf(first.address);
    for (const affected of family === undefined ? FAMILIES : [family]) {
      const waiting = this.#waiting.get(affected);
      if (waiting !== undefined && waiting.length < MAX_WAITING) waiting.push(triggeredAt);
    }
  }

  /** Everything known by now is part of the family's next transaction. */
  taken(family: Family): void {
    this.#taken.set(family, this.#waiting.get(family)?.length ?? 0);
  }

  /** That transaction failed: its changes wait on. */
  failed(family: Family): void {
    this.#taken.delete(family);
  }

  /** That transaction is in force since `now` (ms since 1970). Where the controller's clock is ahead, it took no time. */
  synced(family: Family, now: number): void {
    const done = this.#waiting.get(family)?.splice(0, this.#taken.get(family) ?? 0) ?? [];
    this.#taken.delete(family);
    for (const triggeredAt of done) this.#observe(family, Math.max(0, (now - triggeredAt) / 1000));
  }
}
