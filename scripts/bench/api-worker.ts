/** In a network namespace: the API server double with a synthetic cluster, and a pod that answers for all of them. */
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApiServer } from '../../test/doubles/api-server.ts';
import { paced } from './paced.ts';
import { rawCluster, rawSlice } from './raw-cluster.ts';
import { type ClusterSize, ENDPOINT_PORT, FRONTEND_PORT, podAddresses } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** Milliseconds until an attempt to connect is given up and the next begins. */
const ATTEMPT = 20;

let api: Awaited<ReturnType<typeof startApiServer>> | undefined;
/** Changes made so far. */
let changed = 0;

const handlers = {
  /** Starts to serve a cluster and writes a kubeconfig. */
  async start({ size, kubeconfig }: { size: ClusterSize; kubeconfig: string }): Promise<void> {
    api = await startApiServer();
    for (const object of rawCluster(size)) api.put(object);
    // Its history would only cost memory: nobody reads what was before.
    api.store.compact();
    api.kubeconfig(kubeconfig);
  },

  /** Takes one endpoint away from a Service, or gives it back, `changes` times, so many a second, Service by Service. */
  async change({ size, changes, rate }: { size: ClusterSize; changes: number; rate: number }): Promise<void> {
    await paced(changes, rate, () => {
      const service = changed % size.services;
      const gone = Math.floor(changed++ / size.services) % 2 === 0;
      const addresses = podAddresses(service, size);
      api?.put(rawSlice(service, gone ? addresses.slice(1) : addresses));
    });
  },

  /** Listens as every pod of this namespace does. */
  async listen(): Promise<void> {
    const server = createServer((socket) => socket.destroy());
    await once(server.listen(ENDPOINT_PORT, '0.0.0.0'), 'listening');
  },

  /** Resolves when a Service's ClusterIP answers. Throws after so many seconds without an answer. */
  async untilAnswers({ address, seconds }: { address: string; seconds: number }): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (!(await connects(address))) {
      if (performance.now() > end) throw new Error(`${address} does not answer after ${seconds} s`);
      await sleep(ATTEMPT);
    }
  },
};

export type ApiHandlers = typeof handlers;

function connects(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket();
    const done = (connected: boolean) => {
      socket.destroy();
      resolve(connected);
    };
    socket.setTimeout(ATTEMPT, () => done(false));
    socket.on('error', () => done(false));
    socket.connect(FRONTEND_PORT, address, () => done(true));
  });
}

serve(handlers);
