/** In a network namespace: a filled table, and endpoint changes that come as fast as they are told to. */
import { createNft } from '../../src/nft/nft.ts';
import { decodeObject } from '../../src/objects/decode.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import type { FamilySyncer } from '../../src/sync/family-syncer.ts';
import { NO_OBSERVER } from '../../src/sync/observer.ts';
import { Lags } from './lags.ts';
import { paced } from './paced.ts';
import { rawSlice } from './raw-cluster.ts';
import { fillOtherFamily, log, modelOf, syncerOf } from './syncer.ts';
import { type ClusterSize, podAddresses, serviceKey, syntheticCluster } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** How a series of changes went. */
interface Sustained {
  /** From the moment a change was due to the acknowledgement of the transaction with it: the longest, in ms. */
  readonly longestLag: number;
  readonly transactions: number;
}

interface State {
  readonly cluster: Cluster;
  readonly syncer: FamilySyncer;
  readonly size: ClusterSize;
  readonly lags: Lags;
  /** The number of changes made so far. */
  next: number;
}

let state: State | undefined;

const handlers = {
  async fill({ size, directory }: { size: ClusterSize; directory: string }): Promise<void> {
    const cluster = syntheticCluster(size);
    await fillOtherFamily(cluster, directory);
    const lags = new Lags();
    const observer = {
      ...NO_OBSERVER,
      succeeded: ({ services }: { services: readonly string[] }) => lags.done(services),
    };
    const nft = createNft(directory, 'sustained');
    const syncer = syncerOf(modelOf(cluster), nft, { observer });
    void syncer.run();
    await syncer.whenInSync();
    // As the daemon does; here it is waited for.
    await nft.openSession(log);
    state = { cluster, syncer, size, lags, next: 0 };
  },

  /**
   * `count` changes, `rate` a second, each as a line of JSON, as an API server sends it: one endpoint less, or the same
   * one back. The Services take turns: no more than there are of them may be under way.
   */
  async sustain({ count, rate }: { count: number; rate: number }): Promise<Sustained> {
    if (state === undefined) throw new Error('not filled yet');
    const { lags, syncer } = state;
    const lines = Array.from({ length: count }, () => nextChange(state as State));
    lags.reset();
    await paced(count, rate, (i, due) => {
      const { key, line } = lines[i] ?? { key: '', line: '{}' };
      lags.came(key, due);
      take(state as State, line);
    });
    await syncer.whenInSync();
    const { all, transactions } = lags;
    return { longestLag: Math.max(...all), transactions };
  },
};

export type SustainedHandlers = typeof handlers;

function nextChange(state: State): { readonly key: string; readonly line: string } {
  const { services } = state.size;
  const n = state.next % services;
  const leaves = Math.floor(state.next++ / services) % 2 === 0;
  const addresses = podAddresses(n, state.size);
  return { key: serviceKey(n), line: JSON.stringify(rawSlice(n, leaves ? addresses.slice(1) : addresses)) };
}

function take({ cluster, syncer }: State, line: string): void {
  const { object } = decodeObject('EndpointSlice', JSON.parse(line));
  if (object === undefined) throw new Error(`not an EndpointSlice: ${line}`);
  syncer.changed(cluster.set(object));
}

serve(handlers);
