import { readFileSync } from 'node:fs';
import process from 'node:process';
import { secretsOfEnvironment } from '../host/environment-secrets.ts';
import { commandLineOf, nameOf } from '../host/proc.ts';
import { SERVICE_ACCOUNT_DIRECTORY } from '../source/api/kube-config.ts';
import { secretsOfKubeconfig } from '../source/api/kubeconfig-secrets.ts';

/** The kubeconfig of the installer, and the copy for the service. */
const KUBECONFIGS = ['/etc/kube-proxy-nft/kubeconfig', '/run/credentials/kube-proxy-nft.service/kubeconfig'];

/**
 * Secrets that must not get into an archive, as far as they can be read here: credentials of kubeconfigs and of the service
 * account, and the values of environment variables with such names. `pid`: the pid of the daemon, if one runs.
 */
export function knownSecrets(kubeconfig: string | undefined, pid: number | undefined): readonly string[] {
  const flags = pid === undefined ? [] : flagsOf(pid);
  const named = flags.flatMap((flag, i) =>
    flag === '--kubeconfig' ? (flags[i + 1] ?? []) : (/^--kubeconfig=(.*)$/.exec(flag)?.[1] ?? []),
  );
  const kubeconfigs = [...(kubeconfig === undefined ? [] : [kubeconfig]), ...named, ...KUBECONFIGS];
  const environments = [process.env, ...(pid === undefined || !isDaemon(pid) ? [] : [environmentOf(pid)])];
  return [
    ...kubeconfigs.flatMap(secretsOfKubeconfig),
    ...wordsOf(`${SERVICE_ACCOUNT_DIRECTORY}/token`).map((token) => token.trim()),
    ...environments.flatMap(secretsOfEnvironment),
  ];
}

/** The daemon's command line; empty if this pid is another process, because the daemon is in a container. */
export function flagsOf(pid: number): readonly string[] {
  return isDaemon(pid) ? commandLineOf(pid).filter(Boolean) : [];
}

function isDaemon(pid: number): boolean {
  return nameOf(pid) === 'kube-proxy-nft';
}

function environmentOf(pid: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    wordsOf(`/proc/${pid}/environ`).map((word) => {
      const at = word.indexOf('=');
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** The zero-separated parts of a file; empty if it does not exist or cannot be read. */
function wordsOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}
