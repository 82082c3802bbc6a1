import type { InitialSync } from '../../src/heartbeat/heartbeat-sockets.ts';

/** Sockets whose beats arrive where the test says, or stay away until they are given up. */
export class FakeSockets {
  /** Where the next beats arrive, in turn; then they do not. */
  readonly arrivals: InitialSync[] = [];
  /** How many beats were sent. */
  sent = 0;
  #arrived: ((where: InitialSync) => void) | undefined;

  get isBeating(): boolean {
    return this.#arrived !== undefined;
  }

  beat(arrived: (where: InitialSync) => void): void {
    this.sent++;
    const where = this.arrivals.shift();
    if (where === undefined) this.#arrived = arrived;
    else arrived(where);
  }

  giveUp(): void {
    const arrived = this.#arrived;
    this.#arrived = undefined;
    arrived?.('nowhere');
  }

  forget(): void {
    this.#arrived = undefined;
  }
}
