import { connect, type Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import { type EndpointAddress, endpointKey } from './endpoint-choice.ts';

/** How many further endpoints are tried if the first does not accept the connection. */
const FURTHER_TRIES = 3;

/** Options of both sockets of a forwarded connection: each side ends independently, and a vanished peer is detected. */
export const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  /** Milliseconds. */
  keepAliveInitialDelay: 15_000,
} as const;

/** How one connection finds its endpoint. */
export interface Forwarding {
  /** The next endpoint to try, without the keys in `tried`. */
  next(tried: ReadonlySet<string>): EndpointAddress | undefined;
  /** Milliseconds that an endpoint has to accept a connection. */
  readonly connectTimeout: number;
  /** Called with the reason why a connection failed, at its start or later. */
  onTrouble(trouble: string): void;
}

/**
 * Forwards an accepted connection, which is paused (pauseOnConnect), to an endpoint. If no endpoint accepts it, the client
 * gets a reset. Resolves when both sockets are closed; never rejects.
 */
export async function forward(client: Socket, forwarding: Forwarding): Promise<void> {
  client.on('error', (error) => forwarding.onTrouble(`the client's connection broke: ${error.message}`));
  const clientClosed = closed(client);
  const upstream = await reach(forwarding);
  if (upstream === undefined) {
    reset(client);
    return clientClosed;
  }
  upstream.on('error', (error) => forwarding.onTrouble(`the endpoint's connection broke: ${error.message}`));
  const bothClosed = Promise.all([clientClosed, closed(upstream)]);
  join(client, upstream);
  await bothClosed;
}

/**
 * Forwards bytes in both directions between two connected sockets, no faster than the other side takes them. The end of one
 * direction is passed on separately. An error on one side resets the other.
 */
export function join(client: Socket, upstream: Socket): void {
  if (client.destroyed || upstream.destroyed) {
    for (const socket of [client, upstream]) reset(socket);
    return;
  }
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.once('close', (hadError) => {
      if (hadError) reset(to);
    });
    from.pipe(to);
  }
}

function reset(socket: Socket): void {
  // While the end of the output goes to the kernel, libuv refuses to reset, and Node would lose track of the socket.
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}

async function reach(forwarding: Forwarding): Promise<Socket | undefined> {
  const tried = new Set<string>();
  while (tried.size <= FURTHER_TRIES) {
    const endpoint = forwarding.next(tried);
    if (endpoint === undefined) break;
    tried.add(endpointKey(endpoint));
    try {
      return await dial(endpoint, forwarding.connectTimeout);
    } catch (error) {
      forwarding.onTrouble(`an endpoint does not accept connections: ${messageOf(error)}`);
    }
  }
  return undefined;
}

/** Connects to an endpoint within `timeout` milliseconds. */
function dial({ address, port }: EndpointAddress, timeout: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ ...SOCKET_OPTIONS, host: address, port, timeout });
  const onTimeout = () => socket.destroy(new Error(`connect to ${address} port ${port}: no answer in ${timeout} ms`));
  socket
    .unref()
    .on('timeout', onTimeout)
    // Stays registered: an error right after the connect may come before the caller's own handler.
    .on('error', reject)
    .once('connect', () => {
      socket.setTimeout(0).off('timeout', onTimeout);
      resolve(socket);
    });
  return promise;
}

function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
