import type { UdpAddress } from './udp-frontends.ts';

/** What frontends are told apart by. */
export function udpFrontendKey({ address, port }: UdpAddress): string {
  return `${address} ${port}`;
}

/**
 * Which Service holds which UDP frontend, to tell those that nobody holds any more: once a Service is gone, nothing else
 * knows what it answered on. Cost of a change: the number of the Service's own UDP frontends.
 */
export class HeldUdpFrontends {
  readonly #holders = new Map<string, string>();
  readonly #held = new Map<string, readonly UdpAddress[]>();

  /** The Services that hold any. */
  get services(): Iterable<string> {
    return this.#held.keys();
  }

  /**
   * Notes what a Service holds now, and returns what it held before and no Service does now. `isSettled` false: another
   * change of the Service is on its way to the kernel, where it may still hold all that it did; what is returned comes
   * again with the next call.
   */
  set(service: string, frontends: readonly UdpAddress[], isSettled = true): readonly UdpAddress[] {
    const now = new Set(frontends.map(udpFrontendKey));
    const previous = this.#held.get(service) ?? [];
    const left = previous.filter((frontend) => {
      const key = udpFrontendKey(frontend);
      return !now.has(key) && this.#holders.get(key) === service;
    });
    if (isSettled) for (const frontend of left) this.#holders.delete(udpFrontendKey(frontend));
    for (const key of now) this.#holders.set(key, service);
    const held = isSettled ? frontends : [...frontends, ...left];
    if (held.length === 0) this.#held.delete(service);
    else this.#held.set(service, held);
    return left;
  }
}
