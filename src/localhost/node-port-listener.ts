import { createServer, type Server, type Socket } from 'node:net';
import { errnoOf } from '../errors.ts';
import { type Family, LOOPBACK_ADDRESS } from '../ip.ts';
import type { Log } from '../log.ts';
import type { LocalhostNodePort } from '../service/localhost-node-ports.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { type Chance, EndpointChoice } from './endpoint-choice.ts';
import { forward, SOCKET_OPTIONS } from './forward.ts';

/** What the listeners of a process share. */
export interface ListenerContext {
  readonly log: Log;
  readonly chance: Chance;
  /** Room for the connections of all listeners. */
  readonly limit: ConnectionLimit;
  readonly connectionsPerListener: number;
  /** Milliseconds that an endpoint has to accept a connection. */
  readonly connectTimeout: number;
  /** Milliseconds until a listener that could not be opened is tried again. */
  readonly retryDelay: number;
  /** A listener has started (1) or stopped (-1) listening. */
  onChange(family: Family, by: 1 | -1): void;
  /** A listener could not be opened. */
  onFailure(family: Family): void;
}

/** A TCP port of a loopback address. It listens while there is a node port to serve. */
export class NodePortListener {
  readonly #family: Family;
  readonly #port: number;
  readonly #context: ListenerContext;
  readonly #choice: EndpointChoice;
  readonly #limit: ConnectionLimit;
  #isWanted = false;
  #server: Server | undefined;
  #isOpening = false;
  #retry: NodeJS.Timeout | undefined;
  /** The last warning, until the port listens again. */
  #trouble: string | undefined;

  constructor(family: Family, port: number, context: ListenerContext) {
    this.#family = family;
    this.#port = port;
    this.#context = context;
    this.#choice = new EndpointChoice(context.chance);
    this.#limit = new ConnectionLimit(context.connectionsPerListener, () =>
      this.#warn('a node port has reached its limit of connections on loopback: further ones are reset'),
    );
  }

  /** Serves new connections like this from now on; undefined: refuses them. Open connections continue. */
  serve(nodePort: LocalhostNodePort | undefined): void {
    this.#choice.use(nodePort);
    this.#isWanted = nodePort !== undefined;
    this.#settle();
  }

  #settle(): void {
    clearTimeout(this.#retry);
    // A server that is about to listen cannot be closed. Its event leads back here.
    if (this.#isOpening) return;
    if (this.#isWanted && this.#server === undefined) this.#open();
    if (!this.#isWanted && this.#server !== undefined) this.#close(this.#server);
    if (!this.#isWanted) this.#trouble = undefined;
  }

  #open(): void {
    this.#isOpening = true;
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true }, (client) => this.#accept(client));
    server
      .on('listening', () => {
        this.#isOpening = false;
        this.#server = server;
        this.#trouble = undefined;
        this.#context.log.detail(2, 'listening for a node port', this.#place);
        this.#context.onChange(this.#family, 1);
        this.#settle();
      })
      .on('error', (error) => {
        // This also happens for a connection that could not be accepted. The server continues then.
        if (this.#server === server) this.#warnOnce(`a connection could not be accepted: ${error.message}`);
        else this.#openFailed(error);
      })
      .unref()
      .listen({ host: LOOPBACK_ADDRESS[this.#family], port: this.#port });
  }

  #openFailed(error: Error): void {
    this.#isOpening = false;
    this.#context.onFailure(this.#family);
    if (!this.#isWanted) return;
    const reason = errnoOf(error) === 'EADDRINUSE' ? 'another program on this node uses the port' : error.message;
    this.#warnOnce(`a node port cannot be reached on loopback, retrying from time to time: ${reason}`);
    this.#retry = setTimeout(() => this.#settle(), this.#context.retryDelay).unref();
  }

  #close(server: Server): void {
    this.#server = undefined;
    server.close();
    this.#context.log.detail(2, 'no longer listening for a node port', this.#place);
    this.#context.onChange(this.#family, -1);
  }

  #accept(client: Socket): void {
    const { limit, connectTimeout, log } = this.#context;
    if (!this.#limit.take()) {
      client.resetAndDestroy();
      return;
    }
    if (!limit.take()) {
      this.#limit.release();
      client.resetAndDestroy();
      return;
    }
    // Like the listener, it does not keep the process alive.
    client.unref();
    void forward(client, {
      next: (tried) => this.#choice.next(tried),
      connectTimeout,
      onTrouble: (trouble) => log.detail(4, trouble, this.#place),
    }).finally(() => {
      this.#limit.release();
      limit.release();
    });
  }

  #warnOnce(message: string): void {
    if (this.#trouble === message) return;
    this.#trouble = message;
    this.#warn(message);
  }

  #warn(message: string): void {
    this.#context.log.warn(message, this.#place);
  }

  get #place(): { readonly address: string; readonly port: number } {
    return { address: LOOPBACK_ADDRESS[this.#family], port: this.#port };
  }
}
