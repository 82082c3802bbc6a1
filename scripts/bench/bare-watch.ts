import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { ApiAccess } from './api-access.ts';
import { CLOCK } from './clock.ts';

const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';

/**
 * A watch of all EndpointSlices that only notes when it is told of what: no proxy can follow a change before the API
 * server has told it.
 */
export class BareWatch {
  /** What is awaited → who waits. */
  readonly #awaited = new Map<string, (at: number) => void>();

  /** Resolves when the watch has begun; it ends with this process. */
  static async open(api: ApiAccess): Promise<BareWatch> {
    const watch = new BareWatch();
    const list = JSON.parse(await text(await api.get(`${SLICES}?limit=1`)));
    const version = list.metadata.resourceVersion;
    const events = await api.get(`${SLICES}?watch=1&timeoutSeconds=36000&resourceVersion=${version}`);
    createInterface({ input: events }).on('line', (line) => watch.#told(line));
    events.on('error', (error) => {
      throw error;
    });
    return watch;
  }

  /** Resolves with the moment (of CLOCK) at which this address came. */
  tells(address: string): Promise<number> {
    return new Promise((resolve) => this.#awaited.set(`"${address}"`, resolve));
  }

  #told(line: string): void {
    const at = CLOCK.now();
    for (const [address, resolve] of this.#awaited) {
      if (!line.includes(address)) continue;
      this.#awaited.delete(address);
      resolve(at);
    }
  }
}
