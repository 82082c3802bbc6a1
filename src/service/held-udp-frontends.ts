import type { UdpAddress } from './udp-frontends.ts';

/** Identifies a frontend. */
export function udpFrontendKey({ address, port }: UdpAddress): string {
  return `${address} ${port}`;
}

/**
 * Which Service has which UDP frontend, to find those that nobody has any more. Once a Service is gone, nothing else knows
 * its frontends. The cost of a change is the number of the Service's own UDP frontends.
 */
export class HeldUdpFrontends {
  readonly #holders = new Map<string, string>();
  readonly #held = new Map<string, readonly UdpAddress[]>();

  /** The Services that have any. */
  get services(): Iterable<string> {
    return this.#held.keys();
  }

  /**
   * Sets what a Service has now. Returns what it had before and no Service has now. `isSettled` false: another change of the
   * Service is on its way to the kernel, which may still hold everything from before. What is returned is then returned
   * again at the next call.
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
