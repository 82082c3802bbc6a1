/** Room for a limited number of connections. */
export class ConnectionLimit {
  readonly #size: number;
  readonly #onFull: () => void;
  #taken = 0;
  #isFull = false;

  /** `onFull` is called when there is no room, and not again before half of it is free. */
  constructor(size: number, onFull: () => void) {
    this.#size = size;
    this.#onFull = onFull;
  }

  /** False if there is no room. */
  take(): boolean {
    if (this.#taken < this.#size) {
      this.#taken++;
      return true;
    }
    if (!this.#isFull) this.#onFull();
    this.#isFull = true;
    return false;
  }

  /** Gives back what `take` took. */
  release(): void {
    this.#taken--;
    if (this.#taken <= this.#size / 2) this.#isFull = false;
  }
}
