import { ProxyError } from '../../errors.ts';
import { stampOf } from './file-stamps.ts';
import {
  type Credentials,
  malformed,
  readKubeconfig,
  readServiceAccount,
  SERVICE_ACCOUNT_DIRECTORY,
} from './kube-config.ts';

export interface ConnectionOptions {
  /** `--kubeconfig`; without it, the pod's service account is used. */
  readonly kubeconfig?: string | undefined;
  /** `--master`: the API server's URL, instead of the one in the kubeconfig or in the cluster. */
  readonly master?: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** Where the service account is mounted; default: Kubernetes' default. */
  readonly serviceAccountDirectory?: string;
}

/** The API server's address inside a pod: KUBERNETES_SERVICE_HOST and _PORT, like client-go's InClusterConfig. */
export function inClusterServer(environment: NodeJS.ProcessEnv): string | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  return host && port ? `https://${host.includes(':') ? `[${host}]` : host}:${port}` : undefined;
}

/** Where the server's address and our credentials come from, for messages. */
export function originOf({ kubeconfig, environment }: ConnectionOptions): string {
  if (kubeconfig !== undefined) return `kubeconfig ${kubeconfig}`;
  return inClusterServer(environment) ? 'the in-cluster service account' : '--master';
}

/** The first reading tells which files to stamp. The second cannot be older than the stamp, so no change is missed. */
export function readStamped(options: ConnectionOptions): [Credentials, string] {
  const stamp = stampOf(readCredentials(options).files);
  return [readCredentials(options), stamp];
}

function readCredentials(options: ConnectionOptions): Credentials {
  const { kubeconfig, master, environment } = options;
  const address =
    master === undefined
      ? undefined
      : checkedServer(
          master,
          (what) => new ProxyError('E_USAGE', `--master ${shownServer(master)}: ${what}`),
          kubeconfig !== undefined,
        );
  const inCluster = inClusterServer(environment);
  if (kubeconfig === undefined && inCluster !== undefined) {
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
    (what) => malformed(kubeconfig, `server ${shownServer(cluster.server)}: ${what}`),
    cluster.skipTLSVerify,
  );
  return { ...read, cluster };
}

/** A server's URL for messages: without user name and password, even if these make it an invalid URL. */
export function shownServer(server: string): string {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  const isPlain = url !== undefined && url.host !== '' && url.username + url.password + url.search + url.hash === '';
  const at = server.lastIndexOf('@');
  // An @ in the path does not belong to them.
  if (isPlain || at === -1) return server;
  return `${/^\w+:\/\//.exec(server)?.[0] ?? ''}…${server.slice(at)}`;
}

/**
 * The URL without a trailing slash. Like client-node, it refuses plain http unless TLS was switched off explicitly, but with
 * a clear message.
 */
function checkedServer(server: string, error: (what: string) => ProxyError, plainAllowed = false): string {
  const protocol = URL.canParse(server) ? new URL(server).protocol : '';
  if (protocol !== 'https:' && protocol !== 'http:') throw error('it must be a URL such as https://192.0.2.1:6443');
  if (protocol === 'http:' && !plainAllowed) {
    throw error('http is not encrypted; use https, or allow it with insecure-skip-tls-verify: true in a kubeconfig');
  }
  return server.replace(/\/+$/, '');
}
