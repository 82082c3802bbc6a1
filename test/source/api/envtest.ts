import { loadConnection } from '../../../src/source/api/connection.ts';
import { startApiServer } from '../../peer/api-server.ts';
import type { Cluster } from './conformance.ts';

/** A real etcd and kube-apiserver on loopback. */
export interface Envtest extends Cluster {
  stop(): Promise<void>;
}

/** Starts the programs in `assets` in a folder of their own and waits until they are ready. */
export async function startEnvtest(assets: string): Promise<Envtest> {
  const server = await startApiServer(assets);
  const kubeconfig = server.kubeconfig();
  return {
    put: (object) => server.put(object),
    remove: (kind, key) => server.remove(kind, key),
    connect: () => loadConnection({ kubeconfig, environment: {} }),
    stop: () => server.stop(),
  };
}
