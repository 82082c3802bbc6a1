import type { Server } from 'node:http';
import { messageOf } from '../errors.ts';
import { formatBindAddress } from '../http/bind-address.ts';
import { ConnectionPool } from '../http/connection-pool.ts';
import { closeHttp, type HttpAnswer, type HttpLimits, listenHttp } from '../http/http-server.ts';
import { type Family, familyOf } from '../ip.ts';
import type { Log } from '../log.ts';
import type { HealthCheck } from '../service/health-check.ts';

export interface ServiceHealthOptions {
  /** ProxyHealth.isHealthy: while it is false, no Service is healthy here. */
  readonly isProxyHealthy: () => boolean;
  readonly log: Log;
  /** Called once for each Service and address that cannot be listened on: for an event. */
  readonly onListenFailure?: (check: HealthCheck, message: string) => void;
  /** Milliseconds until failed addresses are tried again, if no change does so before. */
  readonly retryDelay?: number;
  readonly limits?: Partial<HttpLimits>;
}

/** A Service's open servers, by address. */
interface OpenService {
  readonly port: number;
  readonly servers: Map<string, Server>;
}

const RETRY_DELAY = 30_000;

/** How many Services with a taken port a change tries again. The others are for later changes. */
const RETRIES = 50;

/**
 * Answers load balancers on the healthCheckNodePorts, with one server for each Service and address. `set` notes changes, and
 * `apply` then opens and closes servers. The cost depends only on the changes.
 */
export class ServiceHealthServers {
  readonly #options: ServiceHealthOptions;
  /** Shared by all. Otherwise, anyone who may create Services could use up all of our file descriptors. */
  readonly #pool: ConnectionPool;
  readonly #wanted = new Map<string, HealthCheck>();
  readonly #open = new Map<string, OpenService>();
  /** Port → the Service that has it. A second Service waits until it is free. */
  readonly #owners = new Map<number, string>();
  /** Service key → address → why it cannot be listened on. */
  readonly #failed = new Map<string, Map<string, string>>();
  #unsettled = new Set<string>();
  #addresses: readonly string[] = [];
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ServiceHealthOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool({ name: 'health checks of Services', log: options.log });
  }

  /**
   * Sets a Service's health check; undefined: it has none. A new count is answered from now on. Everything else needs
   * `apply`.
   */
  set(serviceKey: string, check: HealthCheck | undefined): void {
    const before = this.#wanted.get(serviceKey);
    if (check === undefined) this.#wanted.delete(serviceKey);
    else this.#wanted.set(serviceKey, check);
    if (before?.port !== check?.port || familiesOf(before) !== familiesOf(check)) this.#unsettled.add(serviceKey);
  }

  /**
   * Opens and closes servers, so that each Service is answered on these addresses, as far as it has their family ("0.0.0.0"
   * and "::" are all addresses of their family). It also tries some failed ones again. Call it when the rules of all
   * families are in force: from then on load balancers send traffic. Never rejects.
   */
  apply(addresses: readonly string[]): Promise<void> {
    const now = [...new Set(addresses)];
    if (now.join() !== this.#addresses.join())
      this.#unsettled = new Set([...this.#open.keys(), ...this.#wanted.keys()]);
    this.#addresses = now;
    // One after the other, so that nothing is opened twice.
    this.#work = this.#work.then(() => this.#settle());
    return this.#work;
  }

  /** Closes all servers. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#work;
    await Promise.all([...this.#open.keys()].map((key) => this.#closeUnwanted(key, new Set())));
  }

  async #settle(): Promise<void> {
    clearTimeout(this.#retry);
    const changed = [...this.#unsettled];
    this.#unsettled.clear();
    // A port may go from one Service to another.
    const free = new Set<number>();
    for (const key of changed) await this.#closeUnwanted(key, free);
    for (const key of new Set([...changed, ...this.#toRetry(free)])) await this.#openMissing(key);
    if (this.#failed.size === 0 || this.#closed) return;
    const again = () => {
      this.#work = this.#work.then(() => this.#settle());
    };
    this.#retry = setTimeout(again, this.#options.retryDelay ?? RETRY_DELAY);
  }

  /** The first Service that waits for each of these ports, and those that have waited longest for another try. */
  #toRetry(free: ReadonlySet<number>): readonly string[] {
    const failed = [...this.#failed.keys()];
    const left = new Set(free);
    const next = left.size === 0 ? [] : failed.filter((key) => left.delete(this.#wanted.get(key)?.port ?? 0));
    return [...next, ...failed.slice(0, RETRIES)];
  }

  /** Adds the ports that nobody has any more to `free`. */
  async #closeUnwanted(key: string, free: Set<number>): Promise<void> {
    const wanted = this.#closed ? undefined : this.#wanted.get(key);
    if (wanted === undefined) this.#failed.delete(key);
    const open = this.#open.get(key);
    if (open === undefined) return;
    for (const [address, server] of open.servers) {
      if (open.port === wanted?.port && this.#addresses.includes(address) && isAnswered(wanted, address)) continue;
      open.servers.delete(address);
      await closeHttp(server);
    }
    if (open.port === wanted?.port) return;
    this.#open.delete(key);
    this.#owners.delete(open.port);
    free.add(open.port);
  }

  async #openMissing(key: string): Promise<void> {
    const check = this.#wanted.get(key);
    if (check === undefined || this.#closed) return;
    const { port } = check;
    const owner = this.#owners.get(port) ?? key;
    this.#owners.set(port, owner);
    const open = this.#open.get(key) ?? { port, servers: new Map<string, Server>() };
    if (owner === key) this.#open.set(key, open);
    const failures = new Map<string, string>();
    for (const host of this.#addresses) {
      if (open.servers.has(host) || !isAnswered(check, host)) continue;
      try {
        if (owner !== key) throw new Error(`Service ${owner} has it`);
        open.servers.set(host, await this.#listen(key, host, port));
      } catch (error) {
        failures.set(host, `cannot listen on ${formatBindAddress({ host, port })}: ${messageOf(error)}`);
      }
    }
    this.#tell(key, check, failures);
    // To the end of the row.
    this.#failed.delete(key);
    if (failures.size > 0) this.#failed.set(key, failures);
  }

  #listen(key: string, host: string, port: number): Promise<Server> {
    const { log, limits } = this.#options;
    const respond = () => this.#answer(key, familyOf(host));
    const pool = this.#pool;
    return listenHttp({ host, port, oneFamily: true, respond, pool, log, ...(limits && { limits }) });
  }

  /** Logs each failure once, and when all are over. */
  #tell(service: string, check: HealthCheck, failures: ReadonlyMap<string, string>): void {
    const { log, onListenFailure } = this.#options;
    const known = this.#failed.get(service);
    for (const [address, failure] of failures) {
      if (known?.get(address) === failure) continue;
      log.warn(`the health check of a Service ${failure}; retrying`, { service });
      onListenFailure?.(check, failure);
    }
    if (known !== undefined && failures.size === 0) log.info('the health check of a Service listens now', { service });
  }

  #answer(key: string, family: Family | undefined): HttpAnswer | undefined {
    const check = this.#wanted.get(key);
    const localEndpoints = family && check?.localEndpoints.get(family);
    if (check === undefined || localEndpoints === undefined) return undefined;
    const { namespace, name } = check;
    const serviceProxyHealthy = this.#options.isProxyHealthy();
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      headers: {
        'Content-Type': 'application/json',
        'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
      },
      body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, undefined, '\t'),
    };
  }
}

/** Whether a Service is answered on an address: whether it has the address's family. */
function isAnswered({ localEndpoints }: HealthCheck, address: string): boolean {
  const family = familyOf(address);
  return family !== undefined && localEndpoints.has(family);
}

function familiesOf(check: HealthCheck | undefined): string {
  return [...(check?.localEndpoints.keys() ?? [])].sort().join();
}
