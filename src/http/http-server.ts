import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errnoOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ConnectionPool } from './connection-pool.ts';

/** What is sent back. HEAD gets the same without the body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** How much a client can use. Anyone who can reach the node can connect, and requests are a short line. */
export interface HttpLimits {
  /** Milliseconds from the connection to the end of the request's header, and between two checks of that. */
  readonly requestMs: number;
  readonly checkMs: number;
  /** Milliseconds from the request until the client has received the last byte of the answer. */
  readonly answerMs: number;
}

const LIMITS: HttpLimits = { requestMs: 5000, checkMs: 2500, answerMs: 10_000 };

/**
 * Connections that the kernel queues until we accept them, if net.core.somaxconn is as large (4096 by default). If the queue
 * is full, a probe waits a second before it retries.
 */
const BACKLOG = 4096;

/** Bytes of a request line and its headers. */
const MAX_HEADER = 8 * 1024;

const DEFAULT_HEADERS = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };

export interface ListenOptions {
  /** An address of this host. Like in kube-proxy, empty, "0.0.0.0" and "::" all mean all addresses of both families. */
  readonly host: string;
  /** 0: one the kernel chooses. */
  readonly port: number;
  /** True: "0.0.0.0" and "::" are all addresses of their own family only. Default false. */
  readonly oneFamily?: boolean;
  /**
   * The answer to a path without its query ("/healthz"); undefined: 404. If it throws, the client gets a 500 with the
   * message.
   */
  readonly respond: (path: string) => HttpAnswer | Promise<HttpAnswer> | undefined;
  /** Called first, with the whole request and for any method; undefined: it does not handle the request. */
  readonly first?: (incoming: IncomingMessage) => HttpAnswer | Promise<HttpAnswer> | undefined;
  /** Limits connections; several servers may share it. */
  readonly pool: ConnectionPool;
  /** Limits that differ from the defaults, for tests. */
  readonly limits?: Partial<HttpLimits>;
  /** For connections that could not be accepted, at detail level. */
  readonly log?: Log;
}

/**
 * Listens and answers GET and HEAD, one request for each connection. So every connection ends within a bounded time, and
 * idle ones do not displace others. Only `first` reads request bodies.
 * @returns the server once it listens; rejects with the system's error (EADDRINUSE, EADDRNOTAVAIL, EACCES, …) if it cannot
 */
export async function listenHttp(options: ListenOptions): Promise<Server> {
  const { host, port, respond, first, pool, limits: given, log, oneFamily = false } = options;
  const limits = { ...LIMITS, ...given };
  const timeouts = {
    headersTimeout: limits.requestMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
  };
  const server = createServer({ ...timeouts, maxHeaderSize: MAX_HEADER }, (incoming, outgoing) => {
    // For a client that does not read, and for an answer that never comes.
    const timer = setTimeout(() => incoming.socket.destroy(), limits.answerMs);
    outgoing.once('close', () => clearTimeout(timer));
    void answer(incoming, outgoing, respond, first);
  });
  // After Node's own listener, so that the parser receives what we receive.
  server.on('connection', (socket) => pool.add(socket));
  if (WILDCARDS.includes(host) && !oneFamily) {
    await listening(server, port, '::').catch((error: unknown) => {
      // A kernel without IPv6.
      if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(errnoOf(error) ?? '')) throw error;
      return listening(server, port, '0.0.0.0');
    });
  } else {
    await listening(server, port, host, oneFamily);
  }
  // Accepting fails if file descriptors run out. That is temporary, and no reason to end.
  server.on('error', (error) => log?.detail(1, `a connection could not be accepted: ${messageOf(error)}`, { port }));
  return server;
}

const WILDCARDS = ['', '0.0.0.0', '::'];

async function listening(server: Server, port: number, host: string, ipv6Only = false): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).once('listening', resolve).listen({ port, host, ipv6Only, backlog: BACKLOG });
  await promise.finally(() => server.off('error', reject).off('listening', resolve));
}

/** Stops listening and ends open connections. Resolves when the address is free. */
export async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  respond: ListenOptions['respond'],
  first: ListenOptions['first'],
): Promise<void> {
  const { status, headers, body } = await answerTo(incoming, respond, first);
  const all = { ...DEFAULT_HEADERS, ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
  // One by one: set like this, names in upper and lower case are the same.
  for (const [name, value] of Object.entries(all)) outgoing.setHeader(name, value);
  outgoing.writeHead(status).end(body);
}

async function answerTo(
  incoming: IncomingMessage,
  respond: ListenOptions['respond'],
  first: ListenOptions['first'],
): Promise<HttpAnswer> {
  const { method = '', url = '/' } = incoming;
  try {
    const answered = await first?.(incoming);
    if (answered !== undefined) return answered;
  } catch (error) {
    return { status: 500, body: `${messageOf(error)}\n` };
  }
  if (!['GET', 'HEAD'].includes(method)) {
    return { status: 405, headers: { Allow: 'GET, HEAD' }, body: 'only GET and HEAD are answered here\n' };
  }
  const path = /^[^?#]*/.exec(url)?.[0] ?? '';
  try {
    return (await respond(path)) ?? { status: 404, body: '404 page not found\n' };
  } catch (error) {
    return { status: 500, body: `${messageOf(error)}\n` };
  }
}
