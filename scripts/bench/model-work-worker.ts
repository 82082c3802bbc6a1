/** The model's work alone: no nft, no kernel. */
import { TABLE_NAMES } from '../../src/nft/tables.ts';
import { Changes } from './changes.ts';
import { documentOf, modelOf } from './syncer.ts';
import { type ClusterSize, syntheticCluster } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** A step from one Service to the next; a prime. */
const STRIDE = 331;

const handlers = {
  /** Microseconds from each of `changes` endpoint changes to the document for nft, half of them added, half removed. */
  async changes({ size, changes }: { size: ClusterSize; changes: number }): Promise<number[]> {
    const cluster = syntheticCluster(size);
    const model = modelOf(cluster);
    model.restart([]);
    while (model.isDirty) model.nextTransaction();
    const made = new Changes(cluster, size);
    const samples: number[] = [];
    for (let i = 0; i < changes; i++) {
      const service = ((i >> 1) * STRIDE) % size.services;
      const keys = made.make(i % 2 === 0 ? 'endpoint added' : 'endpoint removed', service, i >> 1);
      const started = performance.now();
      for (const key of keys) model.markDirty(key);
      while (model.isDirty) documentOf(model, TABLE_NAMES[0], model.nextTransaction());
      samples.push((performance.now() - started) * 1000);
    }
    return samples;
  },
};

export type ModelWorkHandlers = typeof handlers;

serve(handlers);
