import type { Server } from 'node:http';
import { messageOf, ProxyError } from '../errors.ts';
import { FAMILY_NAMES } from '../ip.ts';
import type { Log } from '../log.ts';
import { type BindAddress, formatBindAddress } from './bind-address.ts';
import { ConnectionPool } from './connection-pool.ts';
import { closeHttp, type HttpAnswer, type HttpLimits, listenHttp } from './http.ts';
import type { HealthReport, ProxyHealth } from './proxy-health.ts';

/** The two questions: may load balancers use this node (healthz), and could a restart help this proxy (livez)? */
export type HealthQuestion = 'healthz' | 'livez';

export interface ProxyHealthServerOptions {
  /** healthzBindAddress. */
  readonly address: BindAddress;
  /** bindAddressHardFail: an address that cannot be used ends the start. */
  readonly hardFail: boolean;
  readonly health: ProxyHealth;
  readonly log: Log;
  /** Told of each answer's status, for the counters. */
  readonly onAnswer?: (question: HealthQuestion, status: number) => void;
  /** Told once, when the address turns out to be unusable: for an event. */
  readonly onListenFailure?: (message: string) => void;
  /** Milliseconds between two attempts to listen. */
  readonly retryDelay?: number;
  readonly limits?: Partial<HttpLimits>;
}

const RETRY_DELAY = 5000;

/** kube-proxy's health server: GET /healthz and /livez. */
export class ProxyHealthServer {
  readonly #options: ProxyHealthServerOptions;
  readonly #pool: ConnectionPool;
  #server: Server | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failed = false;
  #closed = false;

  constructor(options: ProxyHealthServerOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool({ name: 'health server', log: options.log });
  }

  /** The port it listens on, which differs from the one given only where that is 0; undefined while it does not listen. */
  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /**
   * Listens. An address that cannot be used is tried again until it can, after one warning.
   * @throws ProxyError E_HEALTHZ_ADDRESS instead, with `hardFail`
   */
  async start(): Promise<void> {
    const { address, hardFail, log, onListenFailure, limits } = this.#options;
    const place = formatBindAddress(address);
    clearTimeout(this.#retry);
    try {
      const respond = (path: string) => this.#respond(path);
      const server = await listenHttp({ ...address, respond, pool: this.#pool, log, ...(limits && { limits }) });
      if (this.#closed) return await closeHttp(server);
      this.#server = server;
      if (this.#failed) log.info('the health server listens now', { address: place });
    } catch (error) {
      if (this.#closed) return;
      const message = `the health server cannot listen on ${place}: ${messageOf(error)}`;
      if (!this.#failed) onListenFailure?.(message);
      if (hardFail) {
        const advice = 'free the address, or give another healthzBindAddress';
        throw new ProxyError('E_HEALTHZ_ADDRESS', `${message}; ${advice}`, { cause: error });
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

  #respond(path: string): HttpAnswer | undefined {
    const question = path.slice(1);
    if (question !== 'healthz' && question !== 'livez') return undefined;
    const answer = answerTo(question, this.#options.health.report());
    this.#options.onAnswer?.(question, answer.status);
    return answer;
  }
}

function answerTo(question: HealthQuestion, report: HealthReport): HttpAnswer {
  const { currentTime, nodeEligible, healthy, alive, families, staleSince } = report;
  const ok = question === 'livez' ? alive : healthy && nodeEligible;
  const newest = Math.max(NEVER, ...[...families.values()].map(({ lastUpdated }) => lastUpdated));
  const status = [...families].map(([family, { lastUpdated, healthy: its }]) => {
    return [FAMILY_NAMES[family], { lastUpdated: goTime(lastUpdated), healthy: its }] as const;
  });
  const body = {
    // As if just updated while all is well: monitoring made for older kube-proxies compares it with the time.
    lastUpdated: goTime(ok && healthy ? currentTime : newest),
    currentTime: goTime(currentTime),
    ...(question === 'healthz' && { nodeEligible }),
    healthy,
    // Ours.
    ...(staleSince !== undefined && { staleSince: goTime(staleSince) }),
    status: Object.fromEntries(status),
  };
  return {
    status: ok ? 200 : 503,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
}

/** Go's zero time. */
const NEVER = Date.parse('0001-01-01T00:00:00Z');

/** RFC 3339 as Go writes it (time.RFC3339Nano): without zeros at the end of the fraction. */
function goTime(date: number): string {
  return new Date(date).toISOString().replace(/\.?0*Z$/, 'Z');
}
