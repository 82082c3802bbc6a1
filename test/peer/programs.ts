import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** Kubernetes' own programs, as paths. */
export interface PeerPrograms {
  readonly kubeProxy: string;
  /** The folder with etcd and kube-apiserver, as setup-envtest makes it. */
  readonly assets: string;
}

/** The programs that the environment names (KUBE_PROXY, KUBEBUILDER_ASSETS), or a text that says what is missing. */
export function peerPrograms(environment: NodeJS.ProcessEnv = process.env): PeerPrograms | string {
  const { KUBE_PROXY: kubeProxy = '', KUBEBUILDER_ASSETS: assets = '' } = environment;
  const missing = [
    ...(kubeProxy === '' ? ['KUBE_PROXY is not set (the path of a kube-proxy)'] : notExecutable(kubeProxy)),
    ...(assets === ''
      ? ['KUBEBUILDER_ASSETS is not set (a folder with etcd and kube-apiserver)']
      : ['etcd', 'kube-apiserver'].flatMap((name) => notExecutable(join(assets, name)))),
  ];
  if (missing.length === 0) return { kubeProxy, assets };
  return `${missing.join('; ')}. docs/testing.md says where they come from.`;
}

function notExecutable(path: string): readonly string[] {
  try {
    accessSync(path, constants.X_OK);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
