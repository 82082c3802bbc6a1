import { join } from 'node:path';
import type { RawObject } from '../../test/doubles/api-server-store.ts';
import { isGood, type RealApiServer, startApiServer } from '../../test/peer/api-server.ts';
import { collectionOf, pathOf, withoutServerFields } from './api-objects.ts';
import type { EtcdHandlers } from './etcd-worker.ts';
import { rawNode, rawService, rawSlice } from './raw-cluster.ts';
import type { Examples } from './stored-cluster.ts';
import { type ClusterSize, clusterIp, podAddresses, SERVICE_CIDR, serviceKey } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';

/**
 * kube-apiserver and etcd, the programs in the folder `assets`, in a network namespace of their own, with a synthetic
 * cluster. `directory`: in memory, for etcd's data. Stop it when done; it ends with this process at the latest.
 */
export async function startRealApi(size: ClusterSize, assets: string, directory: string): Promise<RealApiServer> {
  process.env['TMPDIR'] = directory;
  const flags = [`--service-cluster-ip-range=${SERVICE_CIDR}`];
  const server = await startApiServer(assets, { namespace: true, flags });
  try {
    await load(server, size);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * The first Service and its slice go the usual way; all others are stored in etcd as the API server stored these. (It
 * would take minutes for ten thousand: for each Service it counts the addresses of all others.) An API server expects
 * objects to come one by one, but starts with any number of them.
 */
async function load(server: RealApiServer, size: ClusterSize): Promise<void> {
  for (const name of namespacesOf(size)) {
    await request(server, 'POST', '/api/v1/namespaces', { kind: 'Namespace', apiVersion: 'v1', metadata: { name } });
  }
  const [node, service, slice] = [rawNode(), rawService(0), rawSlice(0, podAddresses(0, size))];
  for (const object of [node, service, slice]) {
    await request(server, 'POST', collectionOf(object), withoutServerFields(object));
  }
  const read = async (path: string): Promise<RawObject> => JSON.parse(await request(server, 'GET', path));
  const examples: Examples = {
    service: await read(pathOf(service)),
    slice: await read(pathOf(slice)),
    address: await read(`/apis/networking.k8s.io/v1/ipaddresses/${clusterIp(0)}`),
  };
  await server.apiServer.stop();
  await using etcd = new Worker<EtcdHandlers>(server.namespace ?? '', join(import.meta.dirname, 'etcd-worker.ts'));
  await etcd.call('store', { url: server.etcdUrl, size, examples });
  server.apiServer.start();
  await server.untilReady();
}

function namespacesOf({ services }: ClusterSize): ReadonlySet<string> {
  return new Set(Array.from({ length: services }, (_, n) => serviceKey(n).split('/')[0] ?? ''));
}

async function request(server: RealApiServer, method: string, path: string, object?: object): Promise<string> {
  const answer = await server.request(method, path, object);
  if (!isGood(answer)) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return answer.body;
}
