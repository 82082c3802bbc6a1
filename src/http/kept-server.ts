import type { Server } from 'node:http';
import { type ErrorCode, messageOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type BindAddress, formatBindAddress } from './bind-address.ts';
import { ConnectionPool } from './connection-pool.ts';
import { closeHttp, type ListenOptions, listenHttp } from './http-server.ts';

/** Milliseconds. */
const RETRY_DELAY = 5000;

export interface KeptServerOptions extends Pick<ListenOptions, 'respond' | 'first' | 'limits'> {
  /** What the log calls it: "health server". */
  readonly name: string;
  readonly address: BindAddress;
  /** An address that cannot be used ends startup with this error; undefined: it is tried again. */
  readonly hardFail: { readonly code: ErrorCode; readonly advice: string } | undefined;
  readonly log: Log;
  /** Called once if the address turns out to be unusable: for an event. */
  readonly onListenFailure?: ((message: string) => void) | undefined;
  /** Milliseconds between two attempts to listen. */
  readonly retryDelay?: number | undefined;
}

/** Listens for HTTP on one address as long as the daemon runs, and retries until it can. */
export class KeptServer {
  readonly #options: KeptServerOptions;
  readonly #pool: ConnectionPool;
  #server: Server | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failed = false;
  #closed = false;

  constructor(options: KeptServerOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool({ name: options.name, log: options.log });
  }

  /** The port that it listens on, which differs from the given one only if that is 0; undefined while it does not listen. */
  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /**
   * Listens. If the address cannot be used, it warns once and retries until it can.
   * @throws ProxyError with the code in `hardFail` instead, if there is one
   */
  async start(): Promise<void> {
    const { name, address, hardFail, log, onListenFailure, retryDelay = RETRY_DELAY, ...answers } = this.#options;
    const place = formatBindAddress(address);
    clearTimeout(this.#retry);
    try {
      const server = await listenHttp({ ...address, ...answers, pool: this.#pool, log });
      if (this.#closed) return await closeHttp(server);
      this.#server = server;
      if (this.#failed) log.info(`the ${name} listens now`, { address: place });
    } catch (error) {
      if (this.#closed) return;
      const message = `the ${name} cannot listen on ${place}: ${messageOf(error)}`;
      if (!this.#failed) onListenFailure?.(message);
      if (hardFail !== undefined) {
        throw new ProxyError(hardFail.code, `${message}; ${hardFail.advice}`, { cause: error });
      }
      if (!this.#failed) log.warn(`${message}; retrying`);
      this.#failed = true;
      this.#retry = setTimeout(() => void this.start(), retryDelay);
    }
  }

  /** Stops listening, and retrying. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#server !== undefined) await closeHttp(this.#server);
  }
}
