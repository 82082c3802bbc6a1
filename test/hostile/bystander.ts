import type { RawObject } from '../doubles/api-server-store.ts';
import { service, slice } from './objects.ts';

/** The Service of a tenant who does no harm. */
export const BYSTANDER = { address: '10.100.0.80', port: 80, target: 8080 } as const;

/** Milliseconds between two changes of it. */
const CHANGE_EVERY = 50;
const PORTS = [{ name: 'http', protocol: 'TCP', port: BYSTANDER.port }];
const METADATA = { namespace: 'bystander', creationTimestamp: '2025-01-01T00:00:00Z' };

/** Where objects are written, in order. */
export interface Target {
  put(...objects: readonly RawObject[]): void;
  /** When (see clock.ts) all so far was written. */
  done(): Promise<number>;
}

/** Changes its one endpoint all the time, and knows how long each change took from the API server to a packet. */
export class Bystander {
  readonly #target: Target;
  readonly #written: { readonly at: number; seen: number | undefined }[] = [];
  #inForce = -1;
  #timer: NodeJS.Timeout | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Milliseconds, in order of the changes; infinite for one that nobody has seen. */
  get delays(): readonly number[] {
    return this.#written.map(({ at, seen }) =>
      seen === undefined ? Number.POSITIVE_INFINITY : Math.max(0, seen - at),
    );
  }

  /** True if no change is waited for. */
  get isServed(): boolean {
    return this.#written.every(({ seen }) => seen !== undefined);
  }

  /** Its Service, with its first endpoint. */
  get objects(): readonly RawObject[] {
    const ports = { ports: PORTS };
    const web = service('web', BYSTANDER.address, ports);
    return [{ ...web, metadata: { ...METADATA, name: 'web' } }, endpoints(0)];
  }

  start(): void {
    this.#timer = setInterval(() => this.change(), CHANGE_EVERY);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Makes one change. */
  change(): void {
    const n = this.#written.length + 1;
    // Until it is known better: a change may be in force before its note has come.
    const change: { at: number; seen: number | undefined } = {
      at: Number.POSITIVE_INFINITY,
      seen: undefined,
    };
    this.#written.push(change);
    this.#target.done().then(
      (at) => {
        change.at = at;
      },
      // Then it is never seen, either.
      () => undefined,
    );
    this.#target.put(endpoints(n));
  }

  /** An endpoint has answered: its change, and those before it, are in force. `at`: see clock.ts. */
  saw(endpoint: string, at: number): void {
    const n = numberOf(endpoint);
    // What a connection finds that began before the last one did is old.
    if (n === undefined || n <= this.#inForce) return;
    this.#inForce = n;
    for (const change of this.#written.slice(0, n)) change.seen ??= at;
  }
}

/** Each change has an address of its own, by which it is known. */
function endpoints(n: number): RawObject {
  const address = `10.32.${128 + Math.floor(n / 200)}.${1 + (n % 200)}`;
  const made = slice('web-1', 'web', [address], PORTS);
  return { ...made, metadata: { ...made.metadata, namespace: 'bystander' } };
}

function numberOf(endpoint: string): number | undefined {
  const [, third, fourth] = /^10\.32\.(\d+)\.(\d+)$/.exec(endpoint) ?? [];
  return third === undefined ? undefined : (Number(third) - 128) * 200 + Number(fourth) - 1;
}
