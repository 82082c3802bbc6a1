import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { Cluster, User } from '@kubernetes/client-node/dist/config_types.js';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { errnoOf, messageOf, ProxyError } from '../../errors.ts';

/** The server and credentials to use, and the files they come from (to notice when they are rotated). */
export interface Credentials {
  readonly cluster: Cluster;
  readonly user: User;
  readonly files: readonly string[];
}

/** Where Kubernetes mounts a pod's service account. */
export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Reads the current context of a kubeconfig file. client-node parses it. This adds what client-node leaves out: `tokenFile`,
 * precedence of data over files like clientcmd, a CA without a user, and an exec plugin's own folder. Throws
 * E_KUBECONFIG_MISSING or E_KUBECONFIG_MALFORMED, which name the file and the problem.
 */
export function readKubeconfig(path: string): Credentials {
  const text = readNamed(path, path);
  const config = new KubeConfig();
  const document = parsed(path, text, config);
  config.makePathsAbsolute(dirname(path));
  const context = config.getContextObject(config.getCurrentContext());
  if (context === null) {
    const name = config.getCurrentContext();
    throw malformed(path, name ? `current-context "${name}" is not among the contexts` : 'current-context is missing');
  }
  const cluster = config.getCluster(context.cluster);
  if (cluster === null)
    throw malformed(path, `the current context names the cluster "${context.cluster}", which is missing`);
  const user = context.user ? config.getUser(context.user) : { name: '' };
  if (user === null) throw malformed(path, `the current context names the user "${context.user}", which is missing`);

  const tokenFile = tokenFileOf(document, user.name, dirname(path));
  const { caFile, ...clusterRest } = cluster;
  const { certFile, keyFile, ...userRest } = user;
  const token = tokenFile === undefined ? user.token : readToken(path, tokenFile);
  const credentials: Credentials = {
    cluster: { ...clusterRest, ...(cluster.caData || !caFile ? {} : { caFile }) },
    user: {
      ...userRest,
      ...(user.certData || !certFile ? {} : { certFile }),
      ...(user.keyData || !keyFile ? {} : { keyFile }),
      ...(user.exec ? { exec: execOf(path, user.exec) } : {}),
      ...(token ? { token } : {}),
    },
    files: [path, caFile, certFile, keyFile, tokenFile].filter((file) => typeof file === 'string'),
  };
  for (const file of credentials.files) readNamed(path, file);
  return credentials;
}

/** A pod's service account, like client-go's InClusterConfig. Throws E_KUBECONFIG_MISSING without its token. */
export function readServiceAccount(directory: string, server: string): Credentials {
  const tokenFile = join(directory, 'token');
  const caFile = join(directory, 'ca.crt');
  for (const file of [caFile, tokenFile]) {
    try {
      readFileSync(file);
    } catch (error) {
      const message = `the service account's ${file} cannot be read (${errnoOf(error)}); mount it, or give --kubeconfig`;
      throw new ProxyError('E_KUBECONFIG_MISSING', message, { cause: error });
    }
  }
  return {
    cluster: { name: 'in-cluster', server, caFile, skipTLSVerify: false },
    user: { name: 'service-account', token: readToken(directory, tokenFile) },
    files: [caFile, tokenFile],
  };
}

export function malformed(path: string, what: string, cause?: unknown): ProxyError {
  return new ProxyError('E_KUBECONFIG_MALFORMED', `kubeconfig ${path}: ${what}`, { cause });
}

function readNamed(kubeconfig: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = errnoOf(error) ?? messageOf(error);
    if (file !== kubeconfig) throw malformed(kubeconfig, `it names ${file}, which cannot be read (${reason})`, error);
    const message = `kubeconfig ${file} cannot be read (${reason}); check the path given with --kubeconfig`;
    throw new ProxyError('E_KUBECONFIG_MISSING', message, { cause: error });
  }
}

function readToken(origin: string, file: string): string {
  const token = readNamed(origin, file).trim();
  if (token === '' || /\s/.test(token)) throw malformed(origin, `${file} contains no bearer token`);
  return token;
}

/** Loads `text` into `config`, and returns it as plain data for the fields that client-node ignores. */
function parsed(path: string, text: string, config: KubeConfig): unknown {
  try {
    const document: unknown = load(text);
    config.loadFromString(text);
    return document;
  } catch (error) {
    // client-node does not check fields. Its TypeErrors do not help an operator.
    const what = error instanceof TypeError ? 'it has no clusters, users and contexts' : firstLine(messageOf(error));
    throw malformed(path, `${what}; correct it or give another file with --kubeconfig`, error);
  }
}

const WithTokenFiles = v.object({
  users: v.array(v.object({ name: v.string(), user: v.nullish(v.object({ tokenFile: v.nullish(v.string()) })) })),
});

/** clientcmd's `tokenFile` (what kubeadm gives kube-proxy), which client-node does not read. */
function tokenFileOf(document: unknown, user: string, directory: string): string | undefined {
  const read = v.safeParse(WithTokenFiles, document);
  if (!read.success) return undefined;
  const file = read.output.users.find(({ name }) => name === user)?.user?.tokenFile;
  return file ? absolute(directory, file) : undefined;
}

const Exec = v.looseObject({
  command: v.string(),
  apiVersion: v.nullish(v.string()),
  env: v.nullish(v.array(v.object({ name: v.string(), value: v.string() })), []),
});

/** The plugin's entry with clientcmd's additions: its folder, and KUBERNETES_EXEC_INFO, which some plugins require. */
function execOf(path: string, exec: unknown): v.InferOutput<typeof Exec> {
  const read = v.safeParse(Exec, exec);
  if (!read.success) throw malformed(path, `the exec plugin of the current user: ${read.issues[0].message}`);
  const { command, apiVersion, env } = read.output;
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  return {
    ...read.output,
    command: command.includes('/') ? absolute(dirname(path), command) : command,
    env: [...env, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }],
  };
}

function absolute(directory: string, file: string): string {
  return isAbsolute(file) ? file : join(directory, file);
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/[:.\s]+$/, '');
}
