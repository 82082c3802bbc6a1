import { performance } from 'node:perf_hooks';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { LocalhostNodePort } from '../service/localhost-node-ports.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { Chance } from './endpoint-choice.ts';
import { type ListenerContext, NodePortListener } from './node-port-listener.ts';

/** Receives the number of listeners, for metrics. */
export interface ListenerHooks {
  /** nftables_localhost_nodeport_listeners: the number of listeners now. */
  onListeners(family: Family, count: number): void;
  /**
   * nftables_localhost_nodeport_listener_creation_failures_total: a listener could not be opened. Called once for each
   * attempt.
   */
  onFailure(family: Family): void;
}

/**
 * Milliseconds, and numbers of connections. A connection that is stalled in both directions uses a few hundred kilobytes.
 */
const DEFAULTS = { connectTimeout: 10_000, retryDelay: 30_000, connectionsPerListener: 1_024, connections: 2_048 };

const CHANCE: Chance = { random: Math.random, now: () => performance.now() };

/**
 * Forwards TCP connections to node ports on 127.0.0.1 and ::1 to endpoints, like kube-proxy from v1.37 if nodePortAddresses
 * includes loopback (KEP-6032): the kernel does not route packets with a loopback source to other machines. Endpoints see an
 * address of the node as the client's. Neither listeners nor connections keep the process alive.
 */
export class LocalhostNodePorts {
  readonly #context: ListenerContext;
  /**
   * By "family port". They stay even if unused: there are no more than there are ports, and they know their open
   * connections.
   */
  readonly #listeners = new Map<string, NodePortListener>();
  /** Service → the listeners that it requested. */
  readonly #byService = new Map<string, readonly string[]>();
  /** Listener → the last Service that requested it. */
  readonly #owners = new Map<string, string>();
  #isClosed = false;

  constructor(log: Log, hooks: ListenerHooks, options: Partial<typeof DEFAULTS & { chance: Chance }> = {}) {
    const { connections, ...settings } = { ...DEFAULTS, chance: CHANCE, ...options };
    const counts = { ip: 0, ip6: 0 };
    this.#context = {
      ...settings,
      log,
      limit: new ConnectionLimit(connections, () =>
        log.warn('node ports together have reached their limit of connections on loopback: further ones are reset', {
          connections,
        }),
      ),
      onChange: (family, by) => {
        counts[family] += by;
        hooks.onListeners(family, counts[family]);
      },
      onFailure: (family) => hooks.onFailure(family),
    };
  }

  /**
   * Replaces the node ports of a Service; an empty list if it is gone. Open connections continue, whatever happens to their
   * endpoint. Ports that were taken by other programs are tried again. A port may move between Services in any order of
   * calls: it belongs to the last one that requested it. `serviceKey`: any text that is unique for the Service.
   */
  set(serviceKey: string, nodePorts: readonly LocalhostNodePort[]): void {
    if (this.#isClosed || (nodePorts.length === 0 && !this.#byService.has(serviceKey))) return;
    const usable = nodePorts.filter(({ endpoints }) => endpoints.length > 0);
    const wanted = new Map(usable.map((nodePort) => [`${nodePort.family} ${nodePort.port}`, nodePort]));
    for (const key of this.#byService.get(serviceKey) ?? []) {
      if (wanted.has(key) || this.#owners.get(key) !== serviceKey) continue;
      this.#owners.delete(key);
      this.#listeners.get(key)?.serve(undefined);
    }
    for (const [key, nodePort] of wanted) {
      this.#owners.set(key, serviceKey);
      const listener = this.#listeners.get(key) ?? new NodePortListener(nodePort.family, nodePort.port, this.#context);
      this.#listeners.set(key, listener);
      listener.serve(nodePort);
    }
    if (wanted.size === 0) this.#byService.delete(serviceKey);
    else this.#byService.set(serviceKey, [...wanted.keys()]);
  }

  /** Stops listening permanently. Open connections continue as long as the process. */
  close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners.values()) listener.serve(undefined);
  }
}
