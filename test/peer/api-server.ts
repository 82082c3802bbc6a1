import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kind } from '../../src/objects/decode.ts';
import { makeCertificates } from '../doubles/api-server-certificates.ts';
import { ApiNetwork } from './api-network.ts';
import { Program } from './program.ts';

const START_MS = 120_000;

/** Whom the server knows, by token: an administrator, and the user whom Kubernetes' own policy lets be a kube-proxy. */
const TOKENS = { admin: 'admin-token', proxy: 'proxy-token' } as const;

/** Ranges of its ClusterIPs, for both families: the test world's (test/netns/topology.ts). */
const SERVICE_RANGES = '10.96.0.0/16,fd00:96::/112';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** An object as the API has it, so far as this file reads it. In namespace `default`, unless it names another. */
export interface RawObject {
  readonly kind: Kind;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface ApiServerOptions {
  /**
   * Whether it has a network namespace of its own, which others can `join`. Without one it serves this process's
   * loopback. Default false. Needs root.
   */
  readonly namespace?: boolean;
  /** Further flags of kube-apiserver. */
  readonly flags?: readonly string[];
}

/** Starts etcd and kube-apiserver, the programs in the folder `assets`, and waits until they are ready. */
export async function startApiServer(assets: string, options: ApiServerOptions = {}): Promise<RealApiServer> {
  const network = options.namespace === true ? new ApiNetwork() : undefined;
  const address = network?.address ?? '127.0.0.1';
  const [etcdPort, port] = network === undefined ? [await freePort(), await freePort()] : [2379, 6443];
  const server = new RealApiServer({ ...options, assets, network, address, etcdPort, port });
  try {
    server.etcd.start();
    server.apiServer.start();
    await server.untilReady();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

interface Place {
  readonly assets: string;
  readonly network: ApiNetwork | undefined;
  readonly address: string;
  readonly etcdPort: number;
  readonly port: number;
  readonly flags?: readonly string[];
}

/** A real etcd and kube-apiserver, of this test alone. Both can be stopped and started again at any time. */
export class RealApiServer {
  readonly etcd: Program;
  readonly apiServer: Program;
  /** Where etcd's data is. */
  readonly etcdDirectory: string;
  /** Where it is reached, from the namespaces that joined (or from this process). */
  readonly url: string;
  readonly etcdUrl: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-api-server-'));
  readonly #network: ApiNetwork | undefined;
  readonly #ca: string;
  readonly #agent: https.Agent;

  constructor({ assets, network, address, etcdPort, port, flags = [] }: Place) {
    this.#network = network;
    this.url = `https://${address}:${port}`;
    this.etcdUrl = `http://127.0.0.1:${etcdPort}`;
    const { ca, server } = makeCertificates([address]);
    this.#ca = ca;
    this.#agent = network?.agent({ keepAlive: true, ca }) ?? new https.Agent({ keepAlive: true, ca });
    const serviceAccount = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const tokens = `${TOKENS.admin},admin,1,"system:masters"\n${TOKENS.proxy},system:kube-proxy,2\n`;
    this.etcdDirectory = join(this.#directory, 'etcd');
    mkdirSync(this.etcdDirectory, { mode: 0o700 });
    const program = (name: string, args: readonly string[]) =>
      new Program([join(assets, name), ...args], this.#directory, network?.namespace);
    this.etcd = program('etcd', [
      `--data-dir=${this.etcdDirectory}`,
      `--listen-client-urls=${this.etcdUrl}`,
      `--advertise-client-urls=${this.etcdUrl}`,
      '--listen-peer-urls=http://127.0.0.1:0',
      '--unsafe-no-fsync',
    ]);
    this.apiServer = program('kube-apiserver', [
      `--etcd-servers=${this.etcdUrl}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      '--endpoint-reconciler-type=none',
      `--secure-port=${port}`,
      `--cert-dir=${this.#directory}`,
      `--tls-cert-file=${this.#file('server.crt', server.cert)}`,
      `--tls-private-key-file=${this.#file('server.key', server.key)}`,
      `--client-ca-file=${this.#file('ca.crt', ca)}`,
      `--token-auth-file=${this.#file('tokens.csv', tokens)}`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      `--service-account-issuer=${this.url}`,
      `--service-account-key-file=${this.#file('account.pub', serviceAccount.publicKey)}`,
      `--service-account-signing-key-file=${this.#file('account.key', serviceAccount.privateKey)}`,
      `--service-cluster-ip-range=${SERVICE_RANGES}`,
      ...flags,
    ]);
  }

  /** The name of its network namespace, if it has one of its own. */
  get namespace(): string | undefined {
    return this.#network?.namespace;
  }

  /** Lets a network namespace reach the server, over a link of its own (`api`, with an address of 100.64.0.0/16). */
  join(namespace: string): void {
    if (this.#network === undefined) throw new Error('the API server has no namespace that others could join');
    this.#network.join(namespace);
  }

  /** Path of a kubeconfig of mode 0600, for a kube-proxy or an administrator. It goes with the server. */
  kubeconfig(user: keyof typeof TOKENS = 'proxy'): string {
    const ca = Buffer.from(this.#ca).toString('base64');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'env', cluster: { server: this.url, 'certificate-authority-data': ca } }],
      users: [{ name: user, user: { token: TOKENS[user] } }],
      contexts: [{ name: 'env', context: { cluster: 'env', user } }],
      'current-context': 'env',
    };
    return this.#file(`kubeconfig-${user}`, JSON.stringify(config));
  }

  /** One request, of the administrator or by a token. Rejects where none can be made; the answer may be an error. */
  async request(
    method: string,
    path: string,
    body?: object,
    contentType = 'application/json',
    token: string = TOKENS.admin,
  ): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType };
    const request = https.request(this.url + path, { method, agent: this.#agent, headers });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(request, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode, body: Buffer.concat(chunks).toString() };
  }

  /** Creates an object or takes its place, its status too, by server-side apply. The first answer that is an error, or the last one. */
  async apply(object: RawObject): Promise<Answer> {
    const path = pathOf(object.kind, object.metadata);
    const { status, ...spec } = object;
    const rest = { apiVersion: API_VERSIONS[object.kind], ...spec };
    const query = '?fieldManager=kpn-test&force=true';
    const answer = await this.request('PATCH', path + query, rest, APPLY);
    if (!isGood(answer) || status === undefined) return answer;
    // A Node has several addresses of one type, which apply knows as the key of that list.
    if (object.kind === 'Node') return this.request('PATCH', `${path}/status`, { status }, MERGE);
    return this.request('PATCH', `${path}/status${query}`, { ...rest, status }, APPLY);
  }

  /** As apply, but tries again while the server is not ready for it. Rejects where the object is refused. */
  async put(object: RawObject): Promise<void> {
    await this.#retried(`${object.kind} ${object.metadata.name}`, () => this.apply(object));
  }

  /** `key`: "name" or "namespace/name". Rejects where the object cannot be deleted. */
  async remove(kind: Kind, key: string): Promise<void> {
    const [name = '', namespace] = key.split('/').toReversed();
    const path = pathOf(kind, { name, namespace });
    const answer = await this.request('DELETE', path);
    if (!isGood(answer)) throw new Error(`DELETE ${path}: ${answer.status} ${answer.body}`);
  }

  /** Resolves when the server is ready and has the namespace `default`; rejects when a program has ended. */
  async untilReady(): Promise<void> {
    for (const path of ['/readyz', '/api/v1/namespaces/default']) {
      await this.#retried(path, () => this.request('GET', path));
    }
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.apiServer.stop();
    await this.etcd.stop();
    await this.#network?.remove();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #file(name: string, content: string): string {
    const path = join(this.#directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** A server that has just started refuses, lacks the namespace or has no addresses to give yet. */
  async #retried(what: string, attempt: () => Promise<Answer>): Promise<void> {
    const deadline = Date.now() + START_MS;
    for (;;) {
      let problem: string;
      let final = false;
      try {
        const answer = await attempt();
        if (isGood(answer)) return;
        problem = `${answer.status} ${answer.body}`;
        final = answer.status === 400 || answer.status === 422;
      } catch (error) {
        problem = String(error);
      }
      const programs = [this.etcd, this.apiServer];
      if (final || programs.some(({ running }) => !running) || Date.now() > deadline) {
        throw new Error(`${what}: ${problem}\n${programs.map(({ tail }) => tail).join('\n')}`);
      }
      await delay(100);
    }
  }
}

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

const API_VERSIONS: Readonly<Record<Kind, string>> = {
  Service: 'v1',
  Node: 'v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  ServiceCIDR: 'networking.k8s.io/v1',
};

export const isGood = ({ status }: Answer): boolean => status >= 200 && status < 300;

/** The path of an object in the API. */
export function pathOf(kind: Kind, { name, namespace = 'default' }: RawObject['metadata']): string {
  if (kind === 'Node') return `/api/v1/nodes/${name}`;
  if (kind === 'ServiceCIDR') return `/apis/networking.k8s.io/v1/servicecidrs/${name}`;
  if (kind === 'Service') return `/api/v1/namespaces/${namespace}/services/${name}`;
  return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
