import { join } from 'node:path';
import process from 'node:process';
import { after } from 'node:test';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { conformance } from './conformance.ts';
import { type Envtest, startEnvtest } from './envtest.ts';
import { withServer } from './harness.ts';

conformance('the double', async (t) => {
  const { api, directory } = await withServer(t);
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig);
  return {
    put: async (object) => {
      // The double gives no ClusterIPs, which a real server does.
      const given = { clusterIP: '10.96.0.99', ...(object['spec'] as object | undefined) };
      api.put(object.kind === 'Service' ? { ...object, spec: given } : object);
    },
    remove: async (kind, key) => api.remove(kind, key),
    connect: () => loadConnection({ kubeconfig, environment: {} }),
  };
});

// The envtest convention: a folder with etcd and kube-apiserver. Without it there is nothing to run.
const assets = process.env['KUBEBUILDER_ASSETS'];
if (assets !== undefined && assets !== '') {
  let started: Promise<Envtest> | undefined;
  conformance(`kube-apiserver in ${assets}`, () => {
    started ??= startEnvtest(assets);
    return started;
  });
  // If it failed to start, the tests have said so, and it has cleaned up after itself.
  after(() => started?.then((envtest) => envtest.stop()).catch(() => {}));
}
