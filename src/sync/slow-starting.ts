import type { Family } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import { LONG_SINCE, nextSlowStartStep, SLOW_START_STEPS, slowStartStep } from '../service/slow-start.ts';
import { eachInSteps, type Steps } from '../service/steps.ts';
import type { SlowStarts } from '../service/weights.ts';

const NONE: SlowStarts = new Map();

/**
 * Since when the endpoints of Services with slow start have been ready, in one family, as far as this node has seen it:
 * EndpointSlices do not say. Other Services take no memory here. There are no timers for endpoints: the owner looks up when
 * the next step is due. All endpoints of a Service together have no more steps than one endpoint alone.
 */
export class SlowStarting {
  /** Service → address → when it was first seen ready. */
  readonly #readySince = new Map<string, ReadonlyMap<string, number>>();
  /** Service → when one of its endpoints takes the next step. */
  readonly #nextStep = new Map<string, number>();
  /** Undefined until the first table is in force. What exists by then was there before this program started. */
  #now: number | undefined;

  /** True if something is recorded of a Service. */
  has(service: string): boolean {
    return this.#readySince.has(service);
  }

  /** Sets the time, in milliseconds. Returns the Services whose endpoints take a step. */
  advance(now: number): readonly string[] {
    this.#now = now;
    if (this.#nextStep.size === 0) return [];
    const due = [...this.#nextStep].filter(([, at]) => at <= now).map(([service]) => service);
    for (const service of due) this.#nextStep.delete(service);
    return due;
  }

  /** Milliseconds until the next step of any endpoint, from the time last set; at most `most`. */
  rest(most = Number.POSITIVE_INFINITY): number {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#nextStep.values()) next = Math.min(next, at);
    return Math.min(Math.max(next - (this.#now ?? 0), 0), most);
  }

  /**
   * Takes in what a Service has now, and returns the step of each of its endpoints. `wasServed`: whether it has had frontends
   * so far. If such a Service gets slow start later, all endpoints that are ready then count as old, also those that are not
   * used. In steps, because there may be very many endpoints.
   */
  *startsOf(
    key: string,
    service: Service | undefined,
    slices: readonly EndpointSlice[],
    family: Family,
    wasServed: boolean,
  ): Steps<SlowStarts> {
    const seconds = service?.options?.slowStartSeconds;
    if (seconds === undefined) {
      this.#readySince.delete(key);
      this.#nextStep.delete(key);
      return NONE;
    }
    const before = this.#readySince.get(key);
    const readySince = new Map<string, number>();
    const starts = new Map<string, number>();
    const now = this.#now ?? LONG_SINCE;
    const sinceOfOthers = before === undefined && wasServed ? LONG_SINCE : now;
    yield* eachInSteps(readyAddresses(slices, family), (address) => {
      const since = before?.get(address) ?? sinceOfOthers;
      const step = since === LONG_SINCE ? SLOW_START_STEPS : slowStartStep(since, now, seconds);
      // At the last step there is nothing to compare with, so the time need not be stored.
      readySince.set(address, step < SLOW_START_STEPS ? since : LONG_SINCE);
      if (step < SLOW_START_STEPS) starts.set(address, step);
    });
    this.#readySince.set(key, readySince);
    if (starts.size > 0) this.#nextStep.set(key, nextSlowStartStep(now, seconds));
    else this.#nextStep.delete(key);
    return starts;
  }
}

function* readyAddresses(slices: readonly EndpointSlice[], family: Family): Iterable<string> {
  for (const { endpoints } of slices) {
    for (const { address, ready } of endpoints) {
      if (ready && address.includes(':') === (family === 'ip6')) yield address;
    }
  }
}
