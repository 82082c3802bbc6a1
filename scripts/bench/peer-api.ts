import { join } from 'node:path';
import { startApiServer as startDouble } from '../../test/doubles/api-server.ts';
import type { RawObject } from '../../test/doubles/api-server-store.ts';
import { isGood, type RealApiServer, startApiServer } from '../../test/peer/api-server.ts';
import { rawCluster } from './raw-cluster.ts';
import { type ClusterSize, SERVICE_CIDR, serviceKey } from './synthetic-cluster.ts';

/** An API server with a synthetic cluster, which others ask by the kubeconfig. */
export interface PeerApi {
  /** Path of a file in JSON, with a token, for who may read what a proxy reads. */
  readonly kubeconfig: string;
  /** Creates or replaces an EndpointSlice; resolves when the server has it. */
  readonly putSlice: (slice: RawObject) => Promise<void>;
}

/** The API server double in this process, on this namespace's loopback. `directory`: for the kubeconfig. */
export async function doubleApi(size: ClusterSize, directory: string): Promise<PeerApi> {
  const api = await startDouble();
  for (const object of rawCluster(size)) api.put(object);
  // Its history would only cost memory: nobody asks for what was before.
  api.store.compact();
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig);
  return { kubeconfig, putSlice: async (slice) => api.put(slice) };
}

/** Requests under way at once, more than what two CPUs of kube-apiserver and etcd have to do. */
const PARALLEL = 32;

/**
 * kube-apiserver and etcd, the programs in the folder `assets`, as processes of their own in a network namespace that
 * `node` is linked with. `directory`: in memory, for etcd's data. They end with this process.
 */
export async function realApi(size: ClusterSize, directory: string, assets: string, node: string): Promise<PeerApi> {
  process.env['TMPDIR'] = directory;
  const flags = [`--service-cluster-ip-range=${SERVICE_CIDR}`];
  const server = await startApiServer(assets, { namespace: true, flags });
  server.join(node);
  await load(server, size);
  return {
    kubeconfig: server.kubeconfig('proxy'),
    putSlice: (slice) => request(server, 'PUT', `${collectionOf(slice)}/${slice.metadata.name}`, slice),
  };
}

/** Creates all objects, several at a time. */
async function load(server: RealApiServer, size: ClusterSize): Promise<void> {
  for (const name of namespacesOf(size)) {
    await request(server, 'POST', '/api/v1/namespaces', { kind: 'Namespace', apiVersion: 'v1', metadata: { name } });
  }
  const objects = rawCluster(size);
  const create = async () => {
    for (const object of objects) await request(server, 'POST', collectionOf(object), object);
  };
  await Promise.all(Array.from({ length: PARALLEL }, create));
}

function namespacesOf({ services }: ClusterSize): ReadonlySet<string> {
  return new Set(Array.from({ length: services }, (_, n) => serviceKey(n).split('/')[0] ?? ''));
}

function collectionOf({ kind, metadata: { namespace } }: RawObject): string {
  if (kind === 'Node') return '/api/v1/nodes';
  if (kind === 'Service') return `/api/v1/namespaces/${namespace}/services`;
  return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
}

/** The fields of metadata that a server gives itself are left to it. */
async function request(server: RealApiServer, method: string, path: string, object: object): Promise<void> {
  const answer = await server.request(method, path, withoutServerFields(object));
  if (!isGood(answer)) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
}

function withoutServerFields(object: object): object {
  if (!('metadata' in object)) return object;
  const {
    uid: _uid,
    creationTimestamp: _created,
    managedFields: _fields,
    ...metadata
  } = object.metadata as RawObject['metadata'];
  return { ...object, metadata };
}
