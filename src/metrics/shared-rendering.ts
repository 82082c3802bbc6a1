import type { Metrics } from './metrics.ts';

/** Milliseconds for which a rendering is given to later requests, too. That is nothing to a scraper. */
const SHARED = 25;

/**
 * Renders metrics for requests. Requests that come within 25 ms of each other get the same bytes. So many clients cannot keep
 * the process busy: a rendering takes a millisecond or two, and must also read counters in the kernel.
 */
export class SharedRendering {
  readonly #metrics: Pick<Metrics, 'render'>;
  readonly #now: () => number;
  #latest: { readonly bytes: Uint8Array; readonly at: number } | undefined;

  /** `now`: milliseconds, for tests. */
  constructor(metrics: Pick<Metrics, 'render'>, now = () => performance.now()) {
    this.#metrics = metrics;
    this.#now = now;
  }

  /** The metrics in UTF-8, as of now or of a moment ago. Rejects if they cannot be rendered. */
  async bytes(): Promise<Uint8Array> {
    if (this.#latest !== undefined && this.#now() - this.#latest.at < SHARED) return this.#latest.bytes;
    const bytes = Buffer.from(await this.#metrics.render());
    this.#latest = { bytes, at: this.#now() };
    return bytes;
  }
}
