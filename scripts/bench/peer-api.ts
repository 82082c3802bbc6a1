import { join } from 'node:path';
import { startApiServer } from '../../test/doubles/api-server.ts';
import type { RawObject } from '../../test/doubles/api-server-store.ts';
import { ApiAccess } from './api-access.ts';
import { pathOf, withoutServerFields } from './api-objects.ts';
import { rawCluster } from './raw-cluster.ts';
import type { ClusterSize } from './synthetic-cluster.ts';

/** An API server with a synthetic cluster, as the one who changes it sees it. */
export interface PeerApi {
  /** Path of a kubeconfig for a proxy. */
  readonly kubeconfig: string;
  /** With all rights. */
  readonly access: ApiAccess;
  /** Creates or replaces an EndpointSlice; resolves when the server has it. */
  readonly putSlice: (slice: RawObject) => Promise<void>;
}

/** Kubeconfigs of an API server that has the cluster already. */
export interface Kubeconfigs {
  readonly proxy: string;
  readonly admin: string;
}

export function realApi({ proxy, admin }: Kubeconfigs): PeerApi {
  const access = new ApiAccess(admin);
  return { kubeconfig: proxy, access, putSlice: (slice) => access.put(pathOf(slice), withoutServerFields(slice)) };
}

/** The API server double in this process, on this namespace's loopback. `directory`: for the kubeconfig. */
export async function doubleApi(size: ClusterSize, directory: string): Promise<PeerApi> {
  const api = await startApiServer();
  for (const object of rawCluster(size)) api.put(object);
  // Its history would only cost memory: nobody reads what was before.
  api.store.compact();
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig);
  return { kubeconfig, access: new ApiAccess(kubeconfig), putSlice: async (slice) => api.put(slice) };
}
