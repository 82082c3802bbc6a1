import type { Family } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import type { Frontend } from '../service/frontend.ts';
import { LONG_SINCE, nextSlowStartStep, SLOW_START_STEPS, slowStartStep } from '../service/slow-start.ts';
import { eachInSteps, type Steps } from '../service/steps.ts';
import type { SlowStarts } from '../service/weights.ts';

const NONE: SlowStarts = new Map();

/**
 * Since when the endpoints of Services with slow start are ready, in one family, as far as this node has seen it:
 * EndpointSlices do not say. Others take no memory here. There is no timer for an endpoint: whoever owns this asks when the
 * next step of any is due, and one Service has as many steps in its time as one endpoint has.
 */
export class SlowStarting {
  /** Service → address → when it was first seen ready. */
  readonly #readySince = new Map<string, ReadonlyMap<string, number>>();
  /** Service → when one of its endpoints takes the next step. */
  readonly #nextStep = new Map<string, number>();
  /** Undefined until the first table is in force: what is there by then has been there before this program. */
  #now: number | undefined;

  /** Tells the time, in milliseconds; returns the Services of which an endpoint takes a step. */
  advance(now: number): readonly string[] {
    this.#now = now;
    if (this.#nextStep.size === 0) return [];
    const due = [...this.#nextStep].filter(([, at]) => at <= now).map(([service]) => service);
    for (const service of due) this.#nextStep.delete(service);
    return due;
  }

  /** Milliseconds until the next step of any, from the time that was told last; `most` at most. */
  rest(most = Number.POSITIVE_INFINITY): number {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#nextStep.values()) next = Math.min(next, at);
    return Math.min(Math.max(next - (this.#now ?? 0), 0), most);
  }

  /**
   * Takes in what a Service has now, and says which of its endpoints are at which step. `inForce`: the frontends that it
   * has had so far. Of a Service that comes to have slow start their endpoints are old. In steps, for it may have very many.
   */
  *startsOf(
    key: string,
    service: Service | undefined,
    slices: readonly EndpointSlice[],
    family: Family,
    inForce: readonly Frontend[],
  ): Steps<SlowStarts> {
    const seconds = service?.options?.slowStartSeconds;
    if (seconds === undefined) {
      this.#readySince.delete(key);
      this.#nextStep.delete(key);
      return NONE;
    }
    const before = this.#readySince.get(key) ?? (yield* endpointsOf(inForce));
    const readySince = new Map<string, number>();
    const starts = new Map<string, number>();
    const now = this.#now ?? LONG_SINCE;
    yield* eachInSteps(readyAddresses(slices, family), (address) => {
      const since = before.get(address) ?? now;
      const step = since === LONG_SINCE ? SLOW_START_STEPS : slowStartStep(since, now, seconds);
      // At the last step nothing is left to compare it with, and its time need not be known.
      readySince.set(address, step < SLOW_START_STEPS ? since : LONG_SINCE);
      if (step < SLOW_START_STEPS) starts.set(address, step);
    });
    this.#readySince.set(key, readySince);
    if (starts.size > 0) this.#nextStep.set(key, nextSlowStartStep(now, seconds));
    else this.#nextStep.delete(key);
    return starts;
  }
}

/** The endpoints of frontends, which share lists, as old ones. */
function* endpointsOf(frontends: readonly Frontend[]): Steps<ReadonlyMap<string, number>> {
  const addresses = new Map<string, number>();
  const lists = new Set(frontends.flatMap(({ endpoints, localEndpoints }) => [endpoints, localEndpoints]));
  for (const list of lists) yield* eachInSteps(list, ({ address }) => addresses.set(address, LONG_SINCE));
  return addresses;
}

function* readyAddresses(slices: readonly EndpointSlice[], family: Family): Iterable<string> {
  for (const { endpoints } of slices) {
    for (const { address, ready } of endpoints) {
      if (ready && address.includes(':') === (family === 'ip6')) yield address;
    }
  }
}
