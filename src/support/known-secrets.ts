import { readFileSync } from 'node:fs';
import process from 'node:process';
import { secretsOfEnvironment } from '../host/environment-secrets.ts';
import { commandLineOf, nameOf } from '../host/proc.ts';
import { SERVICE_ACCOUNT_DIRECTORY } from '../source/api/kube-config.ts';
import { secretsOfKubeconfig } from '../source/api/kubeconfig-secrets.ts';

/** Where the installer puts a kubeconfig, and where the service gets its copy. */
const KUBECONFIGS = ['/etc/kube-proxy-nft/kubeconfig', '/run/credentials/kube-proxy-nft.service/kubeconfig'];

/**
 * What must not get into an archive, as far as it can be read here: credentials of kubeconfigs and of the service account,
 * and what environments have in variables that are called so. `pid`: of the daemon, if one runs.
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

/** The command line of the daemon; empty if the process of that number is another one: its own is of a container. */
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

/** What a file has between its zero bytes; nothing of one that is not there, or not for us. */
function wordsOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}
