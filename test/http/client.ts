import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request to a server on this host. Rejects if nobody listens. */
export async function sendRequest(
  port: number | undefined,
  path = '/',
  { host = '127.0.0.1', method = 'GET' }: { host?: string; method?: string } = {},
): Promise<Answer> {
  const sent = request({ host, port, path, method, agent: false }).end();
  const [response] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

export function portOf(server: Pick<Server, 'address'>): number {
  return (server.address() as AddressInfo).port;
}

/** Takes a port, by default one that is free, until the returned function has given it back. */
export async function takePort(port = 0, host = '::'): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const free = async () => {
    server.close();
    await once(server, 'close');
  };
  return { port: portOf(server), free };
}

/** Ports nobody listens on, all different: below those the kernel gives to others meanwhile. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const taken = await takePort(randomInt(20_000, 30_000)).catch(() => undefined);
    if (taken !== undefined) found.add(taken.port);
    await taken?.free();
  }
  return [...found];
}

export const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');
