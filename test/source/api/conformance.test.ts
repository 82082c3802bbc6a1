import { join } from 'node:path';
import process from 'node:process';
import { after, type TestContext } from 'node:test';
import type { Kind } from '../../../src/objects/decode.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import type { ApiServer } from '../../doubles/api-server.ts';
import type { RawObject } from '../../doubles/api-server-store.ts';
import { conformance } from './conformance.ts';
import { type Envtest, startEnvtest } from './envtest.ts';
import { withServer } from './harness.ts';
import { serverBehaviour } from './server-behaviour.ts';

const double = (streaming: ApiServer['streaming']) => async (t: TestContext) => {
  const { api, directory } = await withServer(t);
  api.streaming = streaming;
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig);
  return {
    put: async (object: RawObject) => {
      // The double gives no ClusterIPs, which a real server does.
      const given = { clusterIP: '10.96.0.99', ...(object['spec'] as object | undefined) };
      api.put(object.kind === 'Service' ? { ...object, spec: given } : object);
    },
    remove: async (kind: Kind, key: string) => api.remove(kind, key),
    connect: () => loadConnection({ kubeconfig, environment: {} }),
  };
};
conformance('the double, which streams lists', double('done'));
serverBehaviour('the double', double('done'));
conformance('the double, which gives lists in pages', double(422));

// The envtest convention: a folder with etcd and kube-apiserver. Without it there is nothing to run.
const assets = process.env['KUBEBUILDER_ASSETS'];
if (assets !== undefined && assets !== '') {
  let started: Promise<Envtest> | undefined;
  const real = () => {
    started ??= startEnvtest(assets);
    return started;
  };
  conformance(`kube-apiserver in ${assets}`, real);
  serverBehaviour(`kube-apiserver in ${assets}`, real);
  // If it failed to start, the tests have said so, and it has cleaned up after itself.
  after(() => started?.then((envtest) => envtest.stop()).catch(() => {}));
}
