import type { BindAddress } from '../http/bind-address.ts';
import type { HttpAnswer, HttpLimits } from '../http/http-server.ts';
import { KeptServer } from '../http/kept-server.ts';
import { FAMILY_NAMES } from '../ip.ts';
import type { Log } from '../log.ts';
import type { HealthReport, ProxyHealth } from './proxy-health.ts';

/** The two probes: may load balancers use this node (healthz), and could a restart help this proxy (livez)? */
type HealthProbe = 'healthz' | 'livez';

export interface ProxyHealthServerOptions {
  /** healthzBindAddress. */
  readonly address: BindAddress;
  /** bindAddressHardFail: an address that cannot be used ends the start. */
  readonly hardFail: boolean;
  readonly health: ProxyHealth;
  readonly log: Log;
  /** Told of each answer's status, for the counters. */
  readonly onAnswer?: (probe: HealthProbe, status: number) => void;
  /** Called once if the address turns out to be unusable: for an event. */
  readonly onListenFailure?: (message: string) => void;
  /** Milliseconds between two attempts to listen. */
  readonly retryDelay?: number;
  readonly limits?: Partial<HttpLimits>;
}

const HARD_FAIL = {
  code: 'E_HEALTHZ_ADDRESS',
  advice: 'free the address, or give another healthzBindAddress',
} as const;

/** kube-proxy's health server: GET /healthz and /livez. */
export class ProxyHealthServer {
  readonly #options: ProxyHealthServerOptions;
  readonly #server: KeptServer;

  constructor(options: ProxyHealthServerOptions) {
    this.#options = options;
    const { address, hardFail, log, onListenFailure, retryDelay, limits } = options;
    this.#server = new KeptServer({
      name: 'health server',
      address,
      hardFail: hardFail ? HARD_FAIL : undefined,
      respond: (path) => this.#respond(path),
      ...(limits && { limits }),
      log,
      onListenFailure,
      retryDelay,
    });
  }

  /** See KeptServer. */
  get port(): number | undefined {
    return this.#server.port;
  }

  /** See KeptServer. @throws ProxyError E_HEALTHZ_ADDRESS, with `hardFail` */
  start(): Promise<void> {
    return this.#server.start();
  }

  /** Stops listening, and retrying. */
  close(): Promise<void> {
    return this.#server.close();
  }

  #respond(path: string): HttpAnswer | undefined {
    const probe = path.slice(1);
    if (probe !== 'healthz' && probe !== 'livez') return undefined;
    const answer = answerTo(probe, this.#options.health.report());
    this.#options.onAnswer?.(probe, answer.status);
    return answer;
  }
}

function answerTo(probe: HealthProbe, report: HealthReport): HttpAnswer {
  const { currentTime, nodeEligible, healthy, alive, families, staleSince } = report;
  const ok = probe === 'livez' ? alive : healthy && nodeEligible;
  const newest = Math.max(NEVER, ...[...families.values()].map(({ lastUpdated }) => lastUpdated));
  const status = [...families].map(([family, { lastUpdated, healthy: its }]) => {
    return [FAMILY_NAMES[family], { lastUpdated: goTime(lastUpdated), healthy: its }] as const;
  });
  const body = {
    // As if just updated while everything is in order: monitoring for older kube-proxies compares it with the time.
    lastUpdated: goTime(ok && healthy ? currentTime : newest),
    currentTime: goTime(currentTime),
    ...(probe === 'healthz' && { nodeEligible }),
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
