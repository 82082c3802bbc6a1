import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { CLOCK } from './clock.ts';

const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';

/**
 * A watch of all EndpointSlices that only notes when it is told of what: no proxy can follow a change before the API
 * server has told it.
 */
export class BareWatch {
  /** What is awaited → who waits. */
  readonly #awaited = new Map<string, (at: number) => void>();

  /** Resolves when the watch has begun; it ends with this process. `kubeconfig`: path of one in JSON, with a token. */
  static async open(kubeconfig: string): Promise<BareWatch> {
    const watch = new BareWatch();
    const get = requesterOf(kubeconfig);
    const list = JSON.parse(await text(await get(`${SLICES}?limit=1`)));
    const events = await get(`${SLICES}?watch=1&timeoutSeconds=36000&resourceVersion=${list.metadata.resourceVersion}`);
    createInterface({ input: events }).on('line', (line) => watch.#told(line));
    events.on('error', (error) => {
      throw error;
    });
    return watch;
  }

  /** Resolves with the moment (of CLOCK) at which this address came. */
  tells(address: string): Promise<number> {
    return new Promise((resolve) => this.#awaited.set(`"${address}"`, resolve));
  }

  #told(line: string): void {
    const at = CLOCK.now();
    for (const [address, resolve] of this.#awaited) {
      if (!line.includes(address)) continue;
      this.#awaited.delete(address);
      resolve(at);
    }
  }
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

function requesterOf(kubeconfig: string): (path: string) => Promise<IncomingMessage> {
  // Ours: made a moment ago, in this form.
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const headers = { authorization: `Bearer ${config.users[0].user.token}`, accept: 'application/json' };
  return (path) =>
    new Promise((resolve, reject) => {
      const request = https.get(server + path, { ca: Buffer.from(ca, 'base64'), headers }, (response) => {
        if (response.statusCode === 200) resolve(response);
        else reject(new Error(`GET ${server}${path}: ${response.statusCode}`));
      });
      request.on('error', reject);
    });
}
