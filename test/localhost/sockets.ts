import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import type { TestContext } from 'node:test';
import type { EndpointAddress } from '../../src/localhost/endpoint-choice.ts';

/** What a server does with a connection; the end of the client's bytes is not the end of the server's. */
export type Serve = (socket: Socket) => void;

/** Sends back what comes. */
export const echo: Serve = (socket) => socket.pipe(socket);
/** Says `name` and ends. */
export const say =
  (name: string): Serve =>
  (socket) =>
    socket.end(name);

/** A server that goes with the test, on any port of a loopback address. */
export async function endpointServer(
  context: TestContext,
  serve: Serve,
  address = '127.0.0.2',
): Promise<EndpointAddress> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    context.after(() => socket.destroy());
    // Many a test breaks connections; what it looks at is the other end.
    serve(socket.on('error', () => undefined));
  });
  await listen(context, server, address, 0);
  return { address, port: (server.address() as AddressInfo).port };
}

/** An address and port where nobody answers: a stopped program's, with as many connections waiting as may. */
export async function silentEndpoint(context: TestContext): Promise<EndpointAddress> {
  const address = '127.0.0.4';
  const program = `const server = require('node:net').createServer();
    server.listen({ host: '${address}', port: 0, backlog: 1 }, () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  const [output] = await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const endpoint = { address, port: Number(output) };
  // The kernel takes one more than the backlog, and drops what comes then.
  await Promise.all([1, 2].map(() => once(dial(context, endpoint.port, address).socket, 'connect')));
  return endpoint;
}

/** Listens, until the test ends. Rejects if the port is taken. */
export async function listen(context: TestContext, server: Server, host: string, port: number): Promise<void> {
  context.after(() => server.close());
  await once(server.listen({ host, port }), 'listening');
}

/** A port that is free on both loopback addresses, out of the range that connections take theirs from. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    const free = await Promise.all(['127.0.0.1', '::1'].map((host) => isFree(host, port)));
    if (!free.includes(false)) return port;
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen({ host, port }), 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}

/** A client's connection, which goes with the test. It keeps what it gets; `outcome` is how it ended. */
export function dial(context: TestContext, port: number, host = '127.0.0.1') {
  const socket = connect({ host, port, allowHalfOpen: true });
  const got: Buffer[] = [];
  let failure: string | undefined;
  context.after(() => socket.destroy());
  socket.on('error', (error) => {
    failure = 'code' in error ? String(error.code) : error.message;
  });
  const received = () => Buffer.concat(got).toString();
  /** Resolves with the error's code, or with all bytes up to their end. */
  const outcome = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => got.push(chunk));
    socket.once('end', () => resolve(received()));
    socket.once('close', () => resolve(failure ?? 'closed'));
  });
  return { socket, received, outcome };
}

/** Sends a request as a client that then ends its side. Returns the answer, or the error's code. */
export async function sendRequest(context: TestContext, port: number, host?: string, request = ''): Promise<string> {
  const { socket, outcome } = dial(context, port, host);
  socket.end(request);
  return outcome;
}

/** Both ends of a new connection. */
export async function socketPair(context: TestContext): Promise<readonly [Socket, Socket]> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const { address: host, port } = await endpointServer(context, resolve);
  const near = connect({ host, port, allowHalfOpen: true });
  context.after(() => near.destroy());
  near.on('error', () => undefined);
  return [near, await promise];
}
