import { randomFillSync } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { errnoOf } from '../errors.ts';
import type { Family } from '../ip.ts';
import { HEARTBEAT_ADDRESS, type HeartbeatPorts } from '../ruleset/program/heartbeat.ts';

/** Where a beat arrived. */
export type InitialSync =
  /** Our rules led it there. */
  | 'back'
  /** Where it was sent to: no rule translated it. */
  | 'front'
  /** It has not arrived, or could not be sent: something dropped it. */
  | 'nowhere';

/** Bytes of a nonce: nobody guesses it. */
const NONCE = 16;

/** How often ports are asked for, where somebody else is quicker. */
const ATTEMPTS = 5;

/** Source ports that are not used again: more than conntrack remembers of a beat that was translated, or was not. */
const RECENT_PORTS = 1024;

/**
 * The UDP sockets of one family's heartbeat. Each beat comes from a new source port, so that the kernel asks the rules what
 * becomes of it, and has a number that nobody guesses.
 *
 * Both ports are connected to the source of the current beat, which nobody else can have: what other processes send there,
 * be it a flood, the kernel refuses itself.
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
   * Binds both ports for good; does nothing if they are bound. `found`: the ports that the kernel's rules lead to already,
   * which are taken if they are free; others are chosen by the kernel.
   * @throws Error where this machine has no such address (loopback without IPv6), or it is forbidden
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

  /** Sends a beat; `arrived` is told once where it came to: `nowhere` after giveUp, or where it could not be sent. */
  beat(arrived: (where: InitialSync) => void): void {
    const current = { nonce: randomFillSync(Buffer.alloc(NONCE)), arrived };
    this.#beat = current;
    // Dropped on its way out (EPERM), no free port, no memory: whatever it is, nothing is known.
    const failed = () => {
      if (this.#beat === current) this.#end('nowhere');
    };
    try {
      this.#send(current.nonce, failed);
    } catch {
      // It may be of no use any more.
      this.#dropSource();
      failed();
    }
  }

  /** True while a beat is on its way. */
  get isBeating(): boolean {
    return this.#beat !== undefined;
  }

  /** Waits for the beat on its way no longer. */
  giveUp(): void {
    if (this.#beat !== undefined) this.#end('nowhere');
  }

  /** Forgets the beat on its way: nobody is told of it. */
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

  /** A socket that is connected to the front port and has a source port that no beat had lately. */
  #newSource(front: number): Socket {
    let source = this.#anySource();
    // A port that the kernel chose is lost when the socket is disconnected; to connect it chooses another.
    this.#connect(source, front);
    for (let attempt = 1; attempt < ATTEMPTS && this.#recent.has(source.address().port); attempt++) {
      this.#dropSource();
      source = this.#anySource();
      this.#connect(source, front);
    }
    const { port } = source.address();
    // The last place of the set is for the port used last.
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
      // Now, or Node waits for it to be bound before it closes it.
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

  /** Done when it returns: no name is looked up. What fails shows when the socket is used. */
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

  /** Binds the port wanted, or one that the kernel chooses where that is taken. */
  async #bindAny(wanted: number | undefined): Promise<Socket> {
    if (wanted !== undefined) {
      const socket = await this.#bind(wanted).catch(passOverTaken);
      if (socket !== undefined) return socket;
    }
    for (let attempt = 1; ; attempt++) {
      const chosen = await this.#bind(0);
      const { port } = chosen.address();
      chosen.close();
      // By its number, so that it is not lost when the socket is disconnected.
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

  /** Done when it returns, as #connect is. */
  #bindNow(socket: Socket, port: number): Socket {
    return socket.bind({ address: HEARTBEAT_ADDRESS[this.#family], port, exclusive: true });
  }

  #newSocket(): Socket {
    const version = this.#family === 'ip' ? 4 : 6;
    const socket = createSocket({ type: `udp${version}`, lookup: (address, _, told) => told(null, address, version) });
    // Such as a port that nobody listens on: the beat does not arrive, and that is noticed.
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
