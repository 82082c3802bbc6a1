import { FAMILIES, type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';

/** How many waiting changes of a family are measured. If there are more at a time, the first ones are. */
const MAX_WAITING = 10_000;

/**
 * Measures the time from a change of a Pod or Service, as its controller recorded it in the slice, until the kernel has it:
 * kube-proxy's network programming latency, an SLI of SIG Scalability. Changes from before the start are not measured.
 * Deletions are not either, because nobody records their time.
 */
export class NetworkProgramming {
  readonly #startedAt: number;
  readonly #observe: (family: Family, seconds: number) => void;
  readonly #waiting: ReadonlyMap<Family, number[]>;
  /** How many of the waiting changes, from the first, are part of the transaction on its way. */
  readonly #taken = new Map<Family, number>();

  /** `families`: those that are programmed. `startedAt`: of this process, in ms since 1970. */
  constructor(families: readonly Family[], startedAt: number, observe: (family: Family, seconds: number) => void) {
    this.#startedAt = startedAt;
    this.#observe = observe;
    this.#waiting = new Map(families.map((family) => [family, []]));
  }

  /** Notes a slice that was added or changed. If it has no endpoints, its family is unknown, and it counts for each. */
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

  /** That transaction failed. Its changes keep waiting. */
  failed(family: Family): void {
    this.#taken.delete(family);
  }

  /** That transaction has been in force since `now` (ms since 1970). If the controller's clock is ahead, it took no time. */
  synced(family: Family, now: number): void {
    const done = this.#waiting.get(family)?.splice(0, this.#taken.get(family) ?? 0) ?? [];
    this.#taken.delete(family);
    for (const triggeredAt of done) this.#observe(family, Math.max(0, (now - triggeredAt) / 1000));
  }
}
