/** In a network namespace: a daemon's start over a table that is there, or a bare listing of that table. */
import { createNft } from '../../src/nft/nft.ts';
import { TABLE_NAMES } from '../../src/nft/tables.ts';
import { NO_OBSERVER } from '../../src/sync/observer.ts';
import { bareNft } from './bare-nft.ts';
import { modelOf, syncerOf } from './syncer.ts';
import { type ClusterSize, syntheticCluster } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

const handlers = {
  /** From a filled Cluster to in sync; also the first fill, where there is no table yet. */
  async start({
    size,
    directory,
  }: {
    size: ClusterSize;
    directory: string;
  }): Promise<{ readonly milliseconds: number; readonly written: number }> {
    let written = 0;
    const succeeded = ({ operations }: { operations: number }) => {
      written += operations;
    };
    const model = modelOf(syntheticCluster(size));
    const started = performance.now();
    const syncer = syncerOf(model, createNft(directory, 'restart'), { observer: { ...NO_OBSERVER, succeeded } });
    void syncer.run();
    await syncer.whenInSync();
    return { milliseconds: performance.now() - started, written };
  },

  /** Milliseconds that one listing of the table takes. */
  async list(): Promise<number> {
    const started = performance.now();
    await bareNft(['-j', 'list', 'table', 'ip', TABLE_NAMES[0]]);
    return performance.now() - started;
  },
};

export type RestartHandlers = typeof handlers;

serve(handlers);
