import { join } from 'node:path';
import process from 'node:process';
import { after, type TestContext } from 'node:test';
import type { Kind } from '../../../src/objects/decode.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import type { ApiServer } from '../../doubles/api-server.ts';
import type { RawObject } from '../../doubles/api-server-store.ts';
import { conformance } from './conformance.ts';
import { type Envtest, startEnvtest } from './envtest.ts';
import { openGate } from './gate.ts';
import { withServer } from './harness.ts';
import { recovery } from './recovery.ts';
import { serverBehaviour } from './server-behaviour.ts';

const double = (streaming: ApiServer['streaming']) => async (t: TestContext) => {
  const { api, directory } = await withServer(t);
  api.streaming = streaming;
  const kubeconfig = join(directory, 'kubeconfig');
  const port = Number(new URL(api.url).port);
  const gate = await openGate(port);
  t.after(() => gate.close());
  api.kubeconfig(kubeconfig, 'token', { server: gate.url });
  return {
    backup: async () => {
      const backup = api.store.backup();
      return async () => api.store.restore(backup);
    },
    outage: async (meanwhile: () => Promise<void>) => {
      await api.stop();
      await meanwhile();
      await api.start(port);
    },
    partition: async (meanwhile: () => Promise<void>) => {
      gate.close();
      await meanwhile();
      await gate.open();
    },
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
recovery('the double', double('done'), { outageMs: 1000, writes: 10 });
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
  recovery(`kube-apiserver in ${assets}`, real, { outageMs: 20_000, writes: 300 });
  // If it failed to start, the tests have said so, and it has cleaned up after itself.
  after(() => started?.then((envtest) => envtest.stop()).catch(() => {}));
}
