import type { Server } from 'node:http';
import process from 'node:process';
import { messageOf, ProxyError } from '../errors.ts';
import { type BindAddress, formatBindAddress } from '../health/bind-address.ts';
import { ConnectionPool } from '../health/connection-pool.ts';
import { closeHttp, type HttpAnswer, listenHttp } from '../health/http.ts';
import type { Log } from '../log.ts';
import { VERSION } from '../version.ts';
import type { Metrics } from './metrics.ts';
import { flagzText, type ProcessStatus, statuszText } from './zpages.ts';

/** The port of a metricsBindAddress that has none. */
export const METRICS_PORT = 10249;

/** What /statusz names: as kube-proxy's, without itself. */
const PATHS = ['/configz', '/flagz', '/healthz', '/metrics', '/proxyMode'];

/** Milliseconds. */
const RETRY_DELAY = 5000;

export interface MetricsServerOptions {
  /** metricsBindAddress. */
  readonly address: BindAddress;
  /** bindAddressHardFail: an address that cannot be used ends the start. */
  readonly hardFail: boolean;
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>;
  /** What /configz shows: the configuration in force with the fields of KubeProxyConfiguration (v1alpha1). */
  readonly config: object;
  /** What /flagz shows: every flag by its name, and its value. */
  readonly flags: ReadonlyMap<string, string>;
  /** Which of these pages there are. */
  readonly zpages: { readonly statusz: boolean; readonly flagz: boolean };
  readonly log: Log;
  /** Told once, when the address turns out to be unusable: for an event. */
  readonly onListenFailure?: (message: string) => void;
  /** Milliseconds between two attempts to listen. */
  readonly retryDelay?: number;
}

/** kube-proxy's metrics server: GET /metrics, /healthz, /proxyMode, /configz, /statusz and /flagz. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #pool: ConnectionPool;
  #server: Server | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failed = false;
  #closed = false;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool({ name: 'metrics server', log: options.log });
  }

  /** The port it listens on, which differs from the one given only where that is 0; undefined while it does not listen. */
  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /**
   * Listens. An address that cannot be used is tried again until it can, after one warning.
   * @throws ProxyError E_METRICS_ADDRESS instead, with `hardFail`
   */
  async start(): Promise<void> {
    const { address, hardFail, log, onListenFailure } = this.#options;
    const place = formatBindAddress(address);
    try {
      const server = await listenHttp({ ...address, respond: (path) => this.#respond(path), pool: this.#pool, log });
      if (this.#closed) return await closeHttp(server);
      this.#server = server;
      if (this.#failed) log.info('the metrics server listens now', { address: place });
    } catch (error) {
      if (this.#closed) return;
      const message = `the metrics server cannot listen on ${place}: ${messageOf(error)}`;
      if (!this.#failed) onListenFailure?.(message);
      if (hardFail) {
        const advice = 'free the address, or give another metricsBindAddress';
        throw new ProxyError('E_METRICS_ADDRESS', `${message}; ${advice}`, { cause: error });
      }
      if (!this.#failed) log.warn(`${message}; trying again until it can`);
      this.#failed = true;
      this.#retry = setTimeout(() => void this.start(), this.#options.retryDelay ?? RETRY_DELAY);
    }
  }

  /** Stops to listen, and to try. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#server !== undefined) await closeHttp(this.#server);
  }

  #respond(path: string): HttpAnswer | Promise<HttpAnswer> | undefined {
    const { metrics, config, flags, zpages } = this.#options;
    switch (path) {
      case '/metrics':
        return metrics
          .render()
          .then((body) => ({ status: 200, headers: { 'content-type': metrics.contentType }, body }));
      // That the process answers is all it says, as in kube-proxy; the health server knows more.
      case '/healthz':
        return { status: 200, body: 'ok' };
      case '/proxyMode':
        return { status: 200, body: 'nftables' };
      case '/configz': {
        const body = JSON.stringify({ 'kubeproxy.config.k8s.io': config });
        return { status: 200, headers: { 'content-type': 'application/json' }, body };
      }
      case '/statusz':
        return zpages.statusz ? { status: 200, body: statuszText(processStatus(zpages.flagz)) } : undefined;
      case '/flagz':
        return zpages.flagz ? { status: 200, body: flagzText(flags) } : undefined;
      default:
        return undefined;
    }
  }
}

function processStatus(hasFlagz: boolean): ProcessStatus {
  return {
    started: performance.timeOrigin,
    now: Date.now(),
    version: VERSION,
    node: process.version,
    paths: PATHS.filter((path) => path !== '/flagz' || hasFlagz),
  };
}
