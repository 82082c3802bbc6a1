import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { startApiServer } from '../../peer/api-server.ts';
import { openGate } from './gate.ts';
import type { RecoverableCluster } from './recovery.ts';

/** A real etcd and kube-apiserver on loopback, which the source reaches through a gate. */
export interface Envtest extends RecoverableCluster {
  stop(): Promise<void>;
}

/** Starts the programs in `assets` in a folder of their own and waits until they are ready. */
export async function startEnvtest(assets: string): Promise<Envtest> {
  const server = await startApiServer(assets);
  const gate = await openGate(Number(new URL(server.url).port));
  const kubeconfig = `${server.kubeconfig()}-gate`;
  writeFileSync(kubeconfig, readFileSync(server.kubeconfig(), 'utf8').replaceAll(server.url, gate.url), {
    mode: 0o600,
  });
  return {
    put: (object) => server.put(object),
    remove: (kind, key) => server.remove(kind, key),
    connect: () => loadConnection({ kubeconfig, environment: {} }),
    backup: async () => {
      const { etcd, etcdDirectory } = server;
      const copy = `${etcdDirectory}-backup-${Date.now()}`;
      if (etcd.pid === undefined) throw new Error('etcd does not run');
      // What a process leaves behind that stands still is what it would leave in a crash: it can start from that.
      process.kill(etcd.pid, 'SIGSTOP');
      cpSync(etcdDirectory, copy, { recursive: true });
      process.kill(etcd.pid, 'SIGCONT');
      return async () => {
        rmSync(etcdDirectory, { recursive: true });
        cpSync(copy, etcdDirectory, { recursive: true });
      };
    },
    outage: async (meanwhile) => {
      // A watch that is open lets kube-apiserver take a minute to end by SIGTERM.
      await server.apiServer.stop('SIGKILL');
      await server.etcd.stop();
      await meanwhile();
      server.etcd.start();
      server.apiServer.start();
      await server.untilReady();
    },
    partition: async (meanwhile) => {
      gate.close();
      await meanwhile();
      await gate.open();
    },
    stop: async () => {
      gate.close();
      await server.stop();
    },
  };
}
