import { performance } from 'node:perf_hooks';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { LocalhostNodePort } from '../service/localhost-node-ports.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { Chance } from './endpoint-choice.ts';
import { type ListenerContext, NodePortListener } from './node-port-listener.ts';

/** Who wants to know how many listeners there are, for metrics. */
export interface ListenerHooks {
  /** nftables_localhost_nodeport_listeners: how many listen now. */
  onListeners(family: Family, count: number): void;
  /** nftables_localhost_nodeport_listener_creation_failures_total: one could not be made, once for each try. */
  onFailure(family: Family): void;
}

/** Milliseconds, and numbers of connections. One that is stalled both ways holds a few hundred kilobytes. */
const DEFAULTS = { connectTimeout: 10_000, retryDelay: 30_000, connectionsPerListener: 1_024, connections: 2_048 };

const CHANCE: Chance = { random: Math.random, now: () => performance.now() };

/**
 * Forwards TCP connections to node ports on 127.0.0.1 and ::1 to endpoints, as kube-proxy does from v1.37 if
 * nodePortAddresses names loopback (KEP-6032): the kernel does not route what comes from a loopback address to elsewhere.
 * Endpoints see an address of the node as the client's. Neither listeners nor connections keep the process alive.
 */
export class LocalhostNodePorts {
  readonly #context: ListenerContext;
  /** By "family port". They stay, unused too: no more than there are ports, and they know of connections that go on. */
  readonly #listeners = new Map<string, NodePortListener>();
  /** Service → the listeners it asked for. */
  readonly #byService = new Map<string, readonly string[]>();
  /** Listener → the Service that asked last. */
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
   * Replaces the node ports of a Service; none: it has gone. Connections that are there go on, whatever became of
   * their endpoint. Ports that were taken by other programs are tried again. A port may move between Services in any
   * order of the calls: it belongs to the one that asked last. `serviceKey` is any text that is the Service's own.
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

  /** Listens no more, for good. Connections that are there go on as long as the process. */
  close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners.values()) listener.serve(undefined);
  }
}
