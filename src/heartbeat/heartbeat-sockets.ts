import { randomFillSync } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { errnoOf } from '../errors.ts';
import type { Family } from '../ip.ts';
import { HEARTBEAT_ADDRESS, type HeartbeatPorts } from '../ruleset/program/heartbeat.ts';

/** Where a heartbeat arrived. */
export type InitialSync =
  /** Our rules led it there. */
  | 'back'
  /** At its original destination: no rule translated it. */
  | 'front'
  /** It has not arrived, or could not be sent: something dropped it. */
  | 'nowhere';

/** Bytes of a nonce, which nobody can guess. */
const NONCE = 16;

/** How often ports are requested if another program is faster. */
const ATTEMPTS = 5;

/** Source ports that are not reused: more than conntrack remembers after a heartbeat, translated or not. */
const RECENT_PORTS = 1024;

/**
 * The UDP sockets of one family's heartbeat. Each heartbeat has a new source port, so that the kernel applies the rules to
 * it, and a number that nobody can guess.
 *
 * Both ports are connected to the source of the current heartbeat, which nobody else can have. The kernel itself refuses
 * what other processes send there, even a flood.
 */
export class HeartbeatSockets {
  readonly #family: Family;
  readonly #recent = new Set<number>();
  #bound: { readonly ports: HeartbeatPorts; readonly front: Socket; readonly back: Socket } | undefined;
  #source: Socket | undefined;
  #beat: { readonly nonce: Buffer; readonly arrived: (where: InitialSync) => void } | undefined;

  constructor(family: Family) {
    this.#family = family;
  }

  /**
   * Binds both ports permanently; does nothing if they are bound. `found`: the ports that the kernel's rules already use.
   * They are used again if they are free; otherwise the kernel chooses others.
   * @throws Error if this machine has no such address (loopback without IPv6), or it is forbidden
   */
  async claim(found?: HeartbeatPorts): Promise<HeartbeatPorts> {
    if (this.#bound !== undefined) return this.#bound.ports;
    const front = await this.#listen(found?.front, 'front');
    const back = await this.#listen(found?.back, 'back').catch((error) => {
      front.close();
      throw error;
    });
    const ports = { front: front.address().port, back: back.address().port };
    this.#bound = { ports, front, back };
    return ports;
  }

  /**
   * Sends a heartbeat. `arrived` is called once with where it arrived: `nowhere` after giveUp, or if it could not be sent.
   */
  beat(arrived: (where: InitialSync) => void): void {
    const current = { nonce: randomFillSync(Buffer.alloc(NONCE)), arrived };
    this.#beat = current;
    // Dropped on its way out (EPERM), no free port, no memory: whatever the reason, it shows nothing.
    const failed = () => {
      if (this.#beat === current) this.#end('nowhere');
    };
    try {
      this.#send(current.nonce, failed);
    } catch {
      // The socket may no longer be usable.
      this.#dropSource();
      failed();
    }
  }

  /** True while a heartbeat is on its way. */
  get isBeating(): boolean {
    return this.#beat !== undefined;
  }

  /** Stops waiting for the heartbeat on its way. */
  giveUp(): void {
    if (this.#beat !== undefined) this.#end('nowhere');
  }

  /** Forgets the heartbeat on its way. Nobody is called. */
  forget(): void {
    this.#beat = undefined;
  }

  close(): void {
    this.#beat = undefined;
    for (const socket of [this.#bound?.front, this.#bound?.back, this.#source]) socket?.close();
    this.#bound = this.#source = undefined;
  }

  #end(where: InitialSync): void {
    const { arrived } = this.#beat ?? {};
    this.#beat = undefined;
    arrived?.(where);
  }

  #send(nonce: Buffer, failed: () => void): void {
    if (this.#bound === undefined) throw new Error('no port is bound');
    const { front, back, ports } = this.#bound;
    const source = this.#newSource(ports.front);
    const from = source.address().port;
    for (const socket of [front, back]) this.#connect(socket, from);
    source.send(nonce, (error) => {
      if (error) failed();
    });
  }

  /** A socket that is connected to the front port and has a source port without a recent heartbeat. */
  #newSource(front: number): Socket {
    let source = this.#anySource();
    // A port that the kernel chose is lost when the socket is disconnected. Connecting it chooses another one.
    this.#connect(source, front);
    for (let attempt = 1; attempt < ATTEMPTS && this.#recent.has(source.address().port); attempt++) {
      this.#dropSource();
      source = this.#anySource();
      this.#connect(source, front);
    }
    const { port } = source.address();
    // The most recently used port comes last in the set.
    this.#recent.delete(port);
    this.#recent.add(port);
    const [oldest] = this.#recent;
    if (this.#recent.size > RECENT_PORTS && oldest !== undefined) this.#recent.delete(oldest);
    return source;
  }

  #anySource(): Socket {
    if (this.#source !== undefined) return this.#source;
    const socket = this.#bindNow(this.#newSocket(), 0);
    if (portOf(socket) === 0) {
      // Closed at once. Otherwise Node would wait until it is bound.
      socket.close();
      throw new Error('no port is free');
    }
    this.#source = socket;
    return socket;
  }

  #dropSource(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  /** Complete when it returns, because no name is looked up. Failures show when the socket is used. */
  #connect(socket: Socket, port: number): void {
    if (isConnected(socket)) socket.disconnect();
    socket.connect(port, HEARTBEAT_ADDRESS[this.#family]);
  }

  async #listen(wanted: number | undefined, where: InitialSync): Promise<Socket> {
    const socket = await this.#bindAny(wanted);
    socket.on('message', (message: Buffer) => {
      if (this.#beat?.nonce.equals(message)) this.#end(where);
    });
    return socket;
  }

  /** Binds the requested port, or one that the kernel chooses if that is taken. */
  async #bindAny(wanted: number | undefined): Promise<Socket> {
    if (wanted !== undefined) {
      const socket = await this.#bind(wanted).catch(passOverTaken);
      if (socket !== undefined) return socket;
    }
    for (let attempt = 1; ; attempt++) {
      const chosen = await this.#bind(0);
      const { port } = chosen.address();
      chosen.close();
      // By number, so that it is not lost when the socket is disconnected.
      const socket = await this.#bind(port).catch((error) => {
        if (attempt === ATTEMPTS) throw error;
        return passOverTaken(error);
      });
      if (socket !== undefined) return socket;
    }
  }

  async #bind(port: number): Promise<Socket> {
    const socket = this.#newSocket();
    await new Promise<void>((resolve, reject) => {
      socket.once('listening', resolve);
      socket.once('error', reject);
      this.#bindNow(socket, port);
    });
    return socket;
  }

  /** Complete when it returns, like #connect. */
  #bindNow(socket: Socket, port: number): Socket {
    return socket.bind({ address: HEARTBEAT_ADDRESS[this.#family], port, exclusive: true });
  }

  #newSocket(): Socket {
    const version = this.#family === 'ip' ? 4 : 6;
    const socket = createSocket({ type: `udp${version}`, lookup: (address, _, told) => told(null, address, version) });
    // For example a port that nobody listens on. The heartbeat does not arrive, which is noticed.
    socket.on('error', () => undefined);
    return socket.unref();
  }
}

function passOverTaken(error: unknown): undefined {
  if (errnoOf(error) !== 'EADDRINUSE') throw error;
}

/** 0 if it could not be bound. */
function portOf(socket: Socket): number {
  try {
    return socket.address().port;
  } catch {
    return 0;
  }
}

function isConnected(socket: Socket): boolean {
  try {
    return socket.remoteAddress() !== undefined;
  } catch {
    return false;
  }
}
