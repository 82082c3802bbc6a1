import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

/** Requests to an API server as bare as they can be, over connections that stay open. */
export class ApiAccess {
  readonly #server: string;
  readonly #options: https.RequestOptions;

  /** `kubeconfig`: the path of one that was made for a benchmark, in JSON, with a token. */
  constructor(kubeconfig: string) {
    const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
    this.#server = server;
    this.#options = {
      ca: Buffer.from(ca, 'base64'),
      headers: { authorization: `Bearer ${users[0].user.token}`, 'content-type': 'application/json' },
      agent: new https.Agent({ keepAlive: true }),
    };
  }

  /** Resolves when the answer begins. Rejects if it is an error. */
  async get(path: string): Promise<IncomingMessage> {
    return this.#request('GET', path);
  }

  /** Creates or replaces an object; resolves when the server has it. */
  async put(path: string, object: object): Promise<void> {
    (await this.#request('PUT', path, object)).resume();
  }

  async #request(method: string, path: string, object?: object): Promise<IncomingMessage> {
    const request = https.request(this.#server + path, { ...this.#options, method });
    const answered = once(request, 'response');
    request.end(object && JSON.stringify(object));
    const [response]: IncomingMessage[] = await answered;
    if (response?.statusCode !== 200 && response?.statusCode !== 201) {
      throw new Error(`${method} ${path}: ${response?.statusCode} ${response && (await text(response))}`);
    }
    return response;
  }
}
