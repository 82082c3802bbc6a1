import http from 'node:http';
import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { messageOf } from '../../errors.ts';
import { type ConnectionOptions, inClusterServer, originOf, readStamped, shownServer } from './credentials.ts';
import { useExecPlugin } from './exec-plugin.ts';
import { stampOf } from './file-stamps.ts';
import type { Credentials } from './kube-config.ts';

/** True inside a pod, where the service account can be used. */
export function hasInClusterEnvironment(environment: NodeJS.ProcessEnv): boolean {
  return inClusterServer(environment) !== undefined;
}

/**
 * Reads how to reach the API server, without sending anything. Throws E_KUBECONFIG_MISSING, E_KUBECONFIG_MALFORMED, E_USAGE
 * (a `--master` that is not a URL), or E_NO_SOURCE if there is no kubeconfig, no address and no in-cluster environment.
 */
export function loadConnection(options: ConnectionOptions): Connection {
  return new Connection(options);
}

/** Arguments for http.request or https.request, depending on the URL's protocol. */
export interface PreparedRequest {
  readonly url: URL;
  readonly options: https.RequestOptions;
}

/** An API server and our credentials for it. Files that have changed are read again before the next request. */
export class Connection {
  /** "kubeconfig /etc/…" or "the in-cluster service account", for messages. */
  readonly origin: string;
  readonly #options: ConnectionOptions;
  readonly #closed = new AbortController();
  // Without TLS options of its own, so that those of each request apply, even after a certificate was rotated.
  readonly #https = new https.Agent({ keepAlive: true, keepAliveMsecs: 30_000 });
  readonly #http = new http.Agent({ keepAlive: true, keepAliveMsecs: 30_000 });
  #proxy: http.Agent | undefined;
  #credentials: Credentials;
  #config: KubeConfig;
  #stamp: string;
  #reloadProblem: string | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.origin = originOf(options);
    [this.#credentials, this.#stamp] = readStamped(options);
    this.#config = this.#configure();
  }

  /** The server's URL without a trailing slash, and without user name and password, for messages. */
  get server(): string {
    return shownServer(this.#credentials.cluster.server);
  }

  /** The server's host name or address, without port and brackets, to be compared with ClusterIPs. */
  get serverHost(): string {
    return hostOf(this.#credentials.cluster.server);
  }

  /** The server's port, even if the URL does not contain it. */
  get serverPort(): number {
    const { port, protocol } = new URL(this.#credentials.cluster.server);
    return Number(port) || (protocol === 'http:' ? 80 : 443);
  }

  /**
   * True if the server is reached through the Service "kubernetes", by its ClusterIP or name. We program this address
   * ourselves: if its rules are lost, there is no way to learn how to repair them.
   */
  get usesServiceAddress(): boolean {
    const clusterIp = this.#options.environment['KUBERNETES_SERVICE_HOST'];
    return this.serverHost === clusterIp || /^kubernetes(\.default(\.svc(\..+)?)?)?$/.test(this.serverHost);
  }

  /** What an operator should know at startup, one line each. */
  get warnings(): readonly string[] {
    const { cluster } = this.#credentials;
    const warnings: string[] = [];
    if (this.usesServiceAddress) {
      warnings.push(
        `the API server's address ${this.server} is the ClusterIP of its Service, which kube-proxy-nft itself programs: ` +
          'if the rules are lost, it cannot be reached to restore them; give its real address with --master',
      );
    }
    if (this.server.startsWith('http:')) {
      warnings.push(`connections to ${this.server} are not encrypted, and the server is not authenticated; use https`);
    } else if (cluster.skipTLSVerify) {
      warnings.push(
        `insecure-skip-tls-verify: the certificate of ${this.server} is not checked; give a certificate-authority instead`,
      );
    }
    return warnings;
  }

  /** Why changed files could not be read again. The credentials read before stay in use. */
  get reloadProblem(): string | undefined {
    return this.#reloadProblem;
  }

  /** What is needed to GET `path` (with query): URL, credentials, TLS, agent. Rejects if an exec plugin or a file fails. */
  async prepare(path: string, signal: AbortSignal): Promise<PreparedRequest> {
    this.#reloadIfChanged();
    const { cluster } = this.#credentials;
    const options: https.RequestOptions = { headers: { accept: 'application/json', 'user-agent': 'kube-proxy-nft' } };
    await untilAborted(this.#config.applyToHTTPSOptions(options), signal);
    // Set explicitly, because NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would switch the check off.
    options.rejectUnauthorized = !cluster.skipTLSVerify;
    options.signal = signal;
    const plain = cluster.server.startsWith('http:');
    if (!cluster.proxyUrl) options.agent = plain ? this.#http : this.#https;
    else if (options.agent instanceof http.Agent) this.#proxy = options.agent;
    return { url: new URL(cluster.server + path), options };
  }

  /** To be called after a 401: forgets the answer of an exec plugin, and reads files again, even if they look unchanged. */
  dropCredentials(): void {
    this.#stamp = 'refused';
  }

  /** Closes every socket and stops every exec plugin. */
  close(): void {
    this.#closed.abort();
    for (const agent of [this.#https, this.#http, this.#proxy]) agent?.destroy();
  }

  #reloadIfChanged(): void {
    const stamp = stampOf(this.#credentials.files);
    if (stamp === this.#stamp) return;
    try {
      [this.#credentials, this.#stamp] = readStamped(this.#options);
      this.#config = this.#configure();
      this.#reloadProblem = undefined;
    } catch (error) {
      this.#reloadProblem = `${messageOf(error)}; continuing with what was read before`;
    }
  }

  #configure(): KubeConfig {
    const { cluster, user } = this.#credentials;
    const config = new KubeConfig();
    const { exec, ...rest } = user;
    config.loadFromClusterAndUser(cluster, exec ? rest : user);
    if (exec) useExecPlugin(config, user, this.#closed.signal);
    return config;
  }
}

function hostOf(server: string): string {
  return new URL(server).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Settles with the promise, or rejects at the abort, whichever comes first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
