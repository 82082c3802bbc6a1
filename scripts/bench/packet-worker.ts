/** On a node of a packet path: fills our table, so that every measured Service takes TCP and UDP. */
import { createNft } from '../../src/nft/nft.ts';
import { modelOf, syncerOf } from './syncer.ts';
import {
  type ClusterSize,
  ENDPOINT_PORT,
  FRONTEND_PORT,
  podAddresses,
  serviceOf,
  sliceOf,
  syntheticCluster,
} from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

const PORTS = [
  { name: 'http', protocol: 'tcp' },
  { name: 'udp', protocol: 'udp' },
] as const;

const handlers = {
  /** `measured`: the numbers of the Services with both ports. */
  async fill({
    size,
    measured,
    directory,
  }: {
    size: ClusterSize;
    measured: readonly number[];
    directory: string;
  }): Promise<void> {
    const cluster = syntheticCluster(size);
    const ports = (port: number) => PORTS.map((named) => ({ ...named, port }));
    for (const n of measured) {
      cluster.set(serviceOf(n, ports(FRONTEND_PORT)));
      cluster.set(sliceOf(n, podAddresses(n, size), ports(ENDPOINT_PORT)));
    }
    const syncer = syncerOf(modelOf(cluster), createNft(directory, 'packets'));
    void syncer.run();
    await syncer.whenInSync();
  },
};

export type PacketHandlers = typeof handlers;

serve(handlers);
