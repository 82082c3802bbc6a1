import { isIPv4 } from 'node:net';
import type { Service } from '../../../src/objects/service.ts';
import type { EighthsOf, Known } from './reference.ts';

/** The one time that Services request: the longest there is, so that nothing comes due by itself while a step is judged. */
export const SLOW_START = '1h';

/** What an endpoint has in the end. */
export const EIGHTHS = 8;

const LONG_AGO = Number.NEGATIVE_INFINITY;

/** What slow start must come to: since when the endpoints of each Service are ready, seen by a node from step to step. */
export class SlowStarts {
  /** So many eighths of the time have passed. */
  #now = 0;
  /** Service and family → address → since when. */
  #since = new Map<string, ReadonlyMap<string, number>>();

  /** True if no Service has slow start. */
  get areNone(): boolean {
    return this.#since.size === 0;
  }

  /** So many eighths of the time pass. */
  pass(eighths: number): void {
    this.#now += eighths;
  }

  /**
   * Takes in what there is now. True if a Service that was there comes to have slow start, or to be served with it: how far
   * its endpoints are depends on whether it was served before, which this does not know. After EIGHTHS it does not matter
   * any more. `existed`: whether a Service was there before, in whatever way. `isStart`: for a daemon that has just begun all
   * endpoints are old.
   */
  take({ services, slices }: Known, existed: (name: string) => boolean, isStart: boolean): boolean {
    let isUnknown = false;
    const before = this.#since;
    this.#since = new Map();
    for (const service of services.filter(({ options }) => options?.slowStartSeconds !== undefined)) {
      const ready = slices
        .filter(({ serviceName }) => serviceName === service.name)
        .flatMap(({ endpoints }) => endpoints.flatMap((one) => (one.ready ? one.address : [])));
      for (const ip of service.clusterIps) {
        const key = keyOf(service, ip);
        isUnknown ||= !before.has(key) && existed(service.name) && !isStart;
        const since = (address: string) => (isStart ? LONG_AGO : (before.get(key)?.get(address) ?? this.#now));
        const own = ready.filter((address) => isIPv4(address) === isIPv4(ip));
        this.#since.set(key, new Map(own.map((address) => [address, since(address)])));
      }
    }
    return isUnknown;
  }

  readonly eighthsOf: EighthsOf = (service, address) => {
    const since = this.#since.get(keyOf(service, address))?.get(address);
    return since === undefined ? EIGHTHS : Math.min(Math.max(this.#now - since, 1), EIGHTHS);
  };
}

function keyOf({ name }: Service, address: string): string {
  return `${name} ${isIPv4(address) ? 'ip4' : 'ip6'}`;
}
