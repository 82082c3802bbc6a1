import http from 'node:http';
import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { messageOf, ProxyError } from '../../errors.ts';
import { useExecPlugin } from './exec-plugin.ts';
import { stampOf } from './file-stamps.ts';
import {
  type Credentials,
  malformed,
  readKubeconfig,
  readServiceAccount,
  SERVICE_ACCOUNT_DIRECTORY,
} from './kube-config.ts';

export interface ConnectionOptions {
  /** `--kubeconfig`; without it the pod's service account is used. */
  readonly kubeconfig?: string | undefined;
  /** `--master`: the API server's URL, instead of the one in the kubeconfig or the in-cluster one. */
  readonly master?: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** Where the service account is mounted; the place Kubernetes uses by default. */
  readonly serviceAccountDirectory?: string;
}

/** True inside a pod: KUBERNETES_SERVICE_HOST and _PORT are set, which is what client-go's InClusterConfig looks at. */
export function hasInClusterEnvironment(environment: NodeJS.ProcessEnv): boolean {
  return Boolean(environment['KUBERNETES_SERVICE_HOST'] && environment['KUBERNETES_SERVICE_PORT']);
}

/**
 * Reads how to reach the API server. Nothing is sent yet.
 * Throws E_KUBECONFIG_MISSING, E_KUBECONFIG_MALFORMED, E_USAGE (a `--master` that is no URL), or E_NO_SOURCE
 * where neither a kubeconfig, nor an address, nor an in-cluster environment is given.
 */
export function loadConnection(options: ConnectionOptions): Connection {
  return new Connection(options);
}

/** Arguments for http.request or https.request, by the URL's protocol. */
export interface PreparedRequest {
  readonly url: URL;
  readonly options: https.RequestOptions;
}

/** An API server and our credentials for it. Files that have changed are read again at the next request. */
export class Connection {
  /** "kubeconfig /etc/…" or "the in-cluster service account", for messages. */
  readonly origin: string;
  readonly #options: ConnectionOptions;
  readonly #closed = new AbortController();
  // Without TLS options of its own, so that those of each request count, also after a certificate was rotated.
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

  /** The server's URL without a slash at its end. */
  get server(): string {
    return this.#credentials.cluster.server;
  }

  /** The server's host name or address, without port and brackets: to be compared with known ClusterIPs. */
  get serverHost(): string {
    return hostOf(this.server);
  }

  /**
   * True if the server is reached through the Service "kubernetes", by its ClusterIP or its name. That is
   * an address we program ourselves: with its rules gone, there would be no way to learn how to repair them.
   */
  get usesServiceAddress(): boolean {
    const clusterIp = this.#options.environment['KUBERNETES_SERVICE_HOST'];
    return this.serverHost === clusterIp || /^kubernetes(\.default(\.svc(\..+)?)?)?$/.test(this.serverHost);
  }

  /** What an operator should know at start, one line each. */
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

  /** Why changed files could not be read again; the credentials read before are still in use. */
  get reloadProblem(): string | undefined {
    return this.#reloadProblem;
  }

  /** What a GET for `path` (with query) needs: URL, credentials, TLS, agent. Rejects if an exec plugin or a file fails. */
  async prepare(path: string, signal: AbortSignal): Promise<PreparedRequest> {
    this.#reloadIfChanged();
    const { cluster } = this.#credentials;
    const options: https.RequestOptions = { headers: { accept: 'application/json', 'user-agent': 'kube-proxy-nft' } };
    await untilAborted(this.#config.applyToHTTPSOptions(options), signal);
    // Said outright, because NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would switch the check off.
    options.rejectUnauthorized = !cluster.skipTLSVerify;
    options.signal = signal;
    const plain = cluster.server.startsWith('http:');
    if (!cluster.proxyUrl) options.agent = plain ? this.#http : this.#https;
    else if (options.agent instanceof http.Agent) this.#proxy = options.agent;
    return { url: new URL(cluster.server + path), options };
  }

  /** After a 401: what an exec plugin said is forgotten and files are read again, even if they look unchanged. */
  dropCredentials(): void {
    this.#stamp = 'refused';
  }

  /** Ends every socket and exec plugin. */
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
      this.#reloadProblem = `${messageOf(error)}; going on with what was read before`;
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

function originOf({ kubeconfig, environment }: ConnectionOptions): string {
  if (kubeconfig !== undefined) return `kubeconfig ${kubeconfig}`;
  return hasInClusterEnvironment(environment) ? 'the in-cluster service account' : '--master';
}

/** The first reading tells which files to stamp; the second cannot be older than the stamp, so no change is missed. */
function readStamped(options: ConnectionOptions): [Credentials, string] {
  const stamp = stampOf(readCredentials(options).files);
  return [readCredentials(options), stamp];
}

function readCredentials(options: ConnectionOptions): Credentials {
  const { kubeconfig, master, environment } = options;
  const address =
    master === undefined
      ? undefined
      : checkedServer(master, (what) => new ProxyError('E_USAGE', `--master ${master}: ${what}`));
  if (kubeconfig === undefined && hasInClusterEnvironment(environment)) {
    const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
    const inCluster = `https://${host.includes(':') ? `[${host}]` : host}:${environment['KUBERNETES_SERVICE_PORT']}`;
    return readServiceAccount(options.serviceAccountDirectory ?? SERVICE_ACCOUNT_DIRECTORY, address ?? inCluster);
  }
  if (kubeconfig === undefined) {
    if (address === undefined) {
      throw new ProxyError(
        'E_NO_SOURCE',
        'no API server: give --kubeconfig (or --manifests), or run in a pod with a service account',
      );
    }
    return { cluster: { name: 'master', server: address, skipTLSVerify: false }, user: { name: '' }, files: [] };
  }
  const read = readKubeconfig(kubeconfig);
  const cluster = { ...read.cluster, server: address ?? read.cluster.server };
  checkedServer(
    cluster.server,
    (what) => malformed(kubeconfig, `server ${cluster.server}: ${what}`),
    cluster.skipTLSVerify,
  );
  return { ...read, cluster };
}

/** The URL without a slash at its end. client-node refuses plain http where TLS was not given up expressly; so do we, but clearly. */
function checkedServer(server: string, error: (what: string) => ProxyError, plainAllowed = false): string {
  const protocol = URL.canParse(server) ? new URL(server).protocol : '';
  if (protocol !== 'https:' && protocol !== 'http:') throw error('it must be a URL such as https://192.0.2.1:6443');
  if (protocol === 'http:' && !plainAllowed) {
    throw error('http is not encrypted; use https, or allow it with insecure-skip-tls-verify: true in a kubeconfig');
  }
  return server.replace(/\/+$/, '');
}

function hostOf(server: string): string {
  return new URL(server).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** The promise's outcome, or the abort, whichever comes first. */
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
