import type { Socket } from 'node:net';
import { OwnAddresses, plainAddress } from '../host/own-addresses.ts';
import type { Log } from '../log.ts';

/** The maximum numbers of open connections. */
export interface PoolLimits {
  /** From loopback and this machine's own addresses together: kubelet's probes, and other programs on the node. */
  readonly own: number;
  /** From all other addresses together. */
  readonly others: number;
  /** From one of these. */
  readonly perAddress: number;
}

const LIMITS: PoolLimits = { own: 256, others: 128, perAddress: 16 };

/** Milliseconds between two log lines, so that frequent connections cannot fill a disk. */
const LOG_EVERY = 60_000;

export interface ConnectionPoolOptions {
  /** What the log calls it: "health server". */
  readonly name: string;
  readonly log?: Log;
  /** Limits that differ from the defaults, for tests. */
  readonly limits?: Partial<PoolLimits>;
}

/**
 * Limits the connections to one or several servers. Anyone who can reach the node can connect, but probes must still be
 * answered. So beyond a limit, the connection that has been silent for longest is reset, never the new one. A probe sends
 * its request at once, so it is answered before it can be reset, however many others are silent or slow.
 */
export class ConnectionPool {
  readonly #name: string;
  readonly #log: Log | undefined;
  readonly #limits: PoolLimits;
  readonly #ownAddresses = new OwnAddresses();
  readonly #own = new Places();
  readonly #others = new Places();
  #resets = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor({ name, log, limits }: ConnectionPoolOptions) {
    this.#name = name;
    this.#log = log;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Open connections. */
  get size(): number {
    return this.#own.size + this.#others.size;
  }

  /** Adds a new connection until it closes. */
  add(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (address === '') {
      // It ended before we looked.
      socket.destroy();
      return;
    }
    const isOwn = this.#ownAddresses.has(address);
    const places = isOwn ? this.#own : this.#others;
    const limit = isOwn ? this.#limits.own : this.#limits.others;
    const perAddress = isOwn ? limit : this.#limits.perAddress;
    places.add(socket, address);
    socket.on('data', () => places.heard(socket));
    socket.once('close', () => places.remove(socket));
    afterReading(() => {
      if (places.sizeOf(address) > perAddress) this.#reset(places, places.longestSilent(address));
      if (places.size > limit) this.#reset(places, places.longestSilent());
    });
  }

  #reset(places: Places, socket: Socket): void {
    const address = places.remove(socket);
    // Not with FIN: the kernel would remember each connection for a minute.
    socket.resetAndDestroy();
    this.#resets++;
    const now = performance.now();
    if (now - this.#toldAt < LOG_EVERY) return;
    this.#log?.warn(`too many connections to the ${this.#name}: those that were silent for longest were closed`, {
      closed: this.#resets,
      last: address,
    });
    this.#toldAt = now;
    this.#resets = 0;
  }
}

/**
 * Connections by the time they last sent something, and by address. The cost of each operation does not depend on their
 * number.
 */
class Places {
  /** The longest silent first, each with its address. */
  readonly #all = new Map<Socket, string>();
  readonly #byAddress = new Map<string, Set<Socket>>();

  get size(): number {
    return this.#all.size;
  }

  sizeOf(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  /** Of all connections, or of one address. There must be one. */
  longestSilent(address?: string): Socket {
    const group = address === undefined ? this.#all : this.#byAddress.get(address);
    const [first] = group?.keys() ?? [];
    if (first === undefined) throw new Error(`no connection from ${address ?? 'anybody'}`);
    return first;
  }

  add(socket: Socket, address: string): void {
    this.#all.set(socket, address);
    const group = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, group.add(socket));
  }

  /** It has sent something, so it is now the last in line. */
  heard(socket: Socket): void {
    const address = this.remove(socket);
    if (address !== undefined) this.add(socket, address);
  }

  /** Its address; undefined if it had no place. */
  remove(socket: Socket): string | undefined {
    const address = this.#all.get(socket);
    if (address === undefined) return undefined;
    this.#all.delete(socket);
    const group = this.#byAddress.get(address);
    group?.delete(socket);
    if (group?.size === 0) this.#byAddress.delete(address);
    return address;
  }
}

/**
 * Calls back once everything that has arrived is read. Node accepts one connection of a server in a turn of its loop, and
 * reads what it has sent in the next. So a request that arrived with its connection is answered before any reset.
 */
function afterReading(callback: () => void): void {
  setImmediate(() => setImmediate(callback));
}
