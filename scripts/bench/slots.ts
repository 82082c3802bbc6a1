/**
 * Which endpoint is in which slot of a frontend, kept by hand: the newest endpoint takes a new slot at the end, and the
 * last slot moves into the hole of one that goes.
 */
export class Slots {
  readonly #addresses: string[];

  /** `addresses`: of the endpoints at the start; the fill gives them slots in the order of their text. */
  constructor(addresses: readonly string[]) {
    this.#addresses = addresses.toSorted();
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  add(address: string): void {
    this.#addresses.push(address);
  }

  /** Throws where there is no such slot. */
  remove(slot: number): void {
    const last = this.#addresses.pop();
    if (last === undefined || slot > this.#addresses.length) throw new Error(`no endpoint in slot ${slot}`);
    if (slot < this.#addresses.length) this.#addresses[slot] = last;
  }
}
