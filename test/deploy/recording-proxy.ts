import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ApiServer, startApiServer } from '../doubles/api-server.ts';

export interface RecordedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
}

/** Stands before an API server double, and records its requests, as an audit log does. Takes whatever is POSTed. */
export class RecordingProxy {
  readonly requests: RecordedRequest[] = [];
  readonly api: ApiServer;
  readonly #server;

  private constructor(api: ApiServer) {
    this.api = api;
    const { ca, server } = api.certificates;
    this.#server = createServer(server, (incoming, outgoing) => {
      const { method = '', url = '', headers } = incoming;
      this.requests.push({ method, path: url });
      if (method === 'POST') {
        incoming.resume().on('end', () => outgoing.writeHead(201).end('{}'));
        return;
      }
      const forwarded = request(new URL(url, api.url), { method, headers, ca }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers).flushHeaders();
        answer.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy()).end();
      outgoing.on('close', () => forwarded.destroy());
    });
  }

  static async start(): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(await startApiServer());
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** Writes a kubeconfig for it to `path`. */
  kubeconfig(path: string): void {
    const front = new ApiServer(this.api.certificates);
    front.url = `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    front.kubeconfig(path);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server.close(), 'close');
    this.#server.closeAllConnections();
    await Promise.all([closed, this.api.stop()]);
  }
}
