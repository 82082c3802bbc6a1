import process from 'node:process';
import type { BindAddress } from '../http/bind-address.ts';
import type { HttpAnswer, ListenOptions } from '../http/http-server.ts';
import { KeptServer } from '../http/kept-server.ts';
import type { Log } from '../log.ts';
import { VERSION } from '../version.ts';
import type { Metrics } from './metrics.ts';
import { SharedRendering } from './shared-rendering.ts';
import { flagzText, type ProcessStatus, statuszText } from './zpages.ts';

/** What /statusz lists: the same as kube-proxy's, without itself. */
const PATHS = ['/configz', '/flagz', '/healthz', '/metrics', '/proxyMode'];

const HARD_FAIL = {
  code: 'E_METRICS_ADDRESS',
  advice: 'free the address, or give another metricsBindAddress',
} as const;

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
  /** Which of these pages exist. */
  readonly zpages: { readonly statusz: boolean; readonly flagz: boolean };
  /** Answers the requests for the operator's page; absent: there is none. */
  readonly page?: ListenOptions['first'];
  readonly log: Log;
  /** Called once if the address turns out to be unusable: for an event. */
  readonly onListenFailure?: (message: string) => void;
  /** Milliseconds between two attempts to listen. */
  readonly retryDelay?: number;
}

/** kube-proxy's metrics server: GET /metrics, /healthz, /proxyMode, /configz, /statusz and /flagz. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #server: KeptServer;
  readonly #rendering: SharedRendering;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#rendering = new SharedRendering(options.metrics);
    const { address, hardFail, log, page, onListenFailure, retryDelay } = options;
    this.#server = new KeptServer({
      name: 'metrics server',
      address,
      hardFail: hardFail ? HARD_FAIL : undefined,
      respond: (path) => this.#respond(path),
      ...(page && { first: page }),
      log,
      onListenFailure,
      retryDelay,
    });
  }

  /** See KeptServer. */
  get port(): number | undefined {
    return this.#server.port;
  }

  /** See KeptServer. @throws ProxyError E_METRICS_ADDRESS, with `hardFail` */
  start(): Promise<void> {
    return this.#server.start();
  }

  /** Stops listening, and retrying. */
  close(): Promise<void> {
    return this.#server.close();
  }

  #respond(path: string): HttpAnswer | Promise<HttpAnswer> | undefined {
    const { metrics, config, flags, zpages } = this.#options;
    switch (path) {
      case '/metrics':
        return this.#rendering
          .bytes()
          .then((body) => ({ status: 200, headers: { 'content-type': metrics.contentType }, body }));
      // Like in kube-proxy, it only says that the process answers. The health server says more.
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
