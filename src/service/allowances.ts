/**
 * At the limit, room is given in steps of one part in this many. So the Service there need not change with each endpoint of
 * the others.
 */
const STEPS = 100;

const NONE: ReadonlyMap<string, number> = new Map();

/**
 * Which Services may have how many elements of one family if there is not enough room for all: the oldest first
 * (metadata.creationTimestamp, then namespace/name), each with everything it requests. One Service may get a part, and those
 * after it get nothing. This depends only on what they request now, not on the past. If there is room for all, the cost of a
 * change does not depend on the number of Services. Otherwise `settle` goes through all of them.
 */
export class Allowances {
  readonly #createdAt: (service: string) => string;
  readonly #demands = new Map<string, number>();
  #total = 0;
  /** Services that do not get everything they request → what they get. */
  #cut = NONE;
  /** By age; undefined until it is needed, and after a Service was added or removed. */
  #order: readonly string[] | undefined;

  /** `createdAt`: metadata.creationTimestamp of a Service ("namespace/name"), or empty. */
  constructor(createdAt: (service: string) => string) {
    this.#createdAt = createdAt;
  }

  /** What all Services together request. */
  get total(): number {
    return this.#total;
  }

  /** True if some Services do not get everything they request. */
  get isShort(): boolean {
    return this.#cut.size > 0;
  }

  /** Sets how many elements a Service requests. */
  set(service: string, demand: number): void {
    const before = this.#demands.get(service) ?? 0;
    this.#total += demand - before;
    if (demand === 0) this.#demands.delete(service);
    else this.#demands.set(service, demand);
    if ((demand === 0) !== (before === 0)) this.#order = undefined;
  }

  /** What a Service requests. */
  demandOf(service: string): number {
    return this.#demands.get(service) ?? 0;
  }

  /** How many elements a Service may have, as of the last settle. */
  of(service: string): number {
    return this.#cut.get(service) ?? Number.POSITIVE_INFINITY;
  }

  /** Distributes `room` again. Returns the Services that may have more or less than before. */
  settle(room: number): readonly string[] {
    const before = this.#cut;
    if (this.#total <= room) {
      this.#cut = NONE;
      return [...before.keys()];
    }
    const now = new Map<string, number>();
    const step = Math.max(1, Math.floor(room / STEPS));
    let left = room;
    for (const service of this.#byAge()) {
      const demand = this.demandOf(service);
      if (demand > left) now.set(service, left - (left % step));
      left = Math.max(0, left - demand);
    }
    this.#cut = now;
    return [
      ...[...now].filter(([service, allowed]) => before.get(service) !== allowed).map(([service]) => service),
      ...[...before.keys()].filter((service) => !now.has(service)),
    ];
  }

  #byAge(): readonly string[] {
    this.#order ??= [...this.#demands.keys()]
      .map((service) => ({ service, createdAt: this.#createdAt(service) }))
      .sort((a, b) => compare(a.createdAt, b.createdAt) || compare(a.service, b.service))
      .map(({ service }) => service);
    return this.#order;
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
