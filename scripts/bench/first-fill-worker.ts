/** In a network namespace: loads a whole ruleset, by our syncer or by bare nft commands. */
import { createNft } from '../../src/nft/nft.ts';
import { runSync } from '../../test/netns/namespaces.ts';
import { type FloorForm, type Load, loadAll, prepareFloors, TABLE } from './fill-floor.ts';
import { fingerprintOf } from './fingerprint.ts';
import { PeakMemory } from './peak-memory.ts';
import { modelOf, syncerOf } from './syncer.ts';
import { type ClusterSize, syntheticCluster } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** Where and what to measure. */
interface FillCall {
  readonly directory: string;
  /** Also take nft's peak memory, which spoils the time. */
  readonly memory: boolean;
}

/** How a fill went. */
interface Fill {
  readonly milliseconds: number;
  /** The largest nft process's peak, in MB; 0 if not taken. */
  readonly nftMegabytes: number;
}

const handlers = {
  /** Writes the files of the bare loads. */
  async prepare({
    size,
    directory,
  }: {
    size: ClusterSize;
    directory: string;
  }): Promise<Record<FloorForm, readonly Load[]>> {
    return prepareFloors(modelOf(syntheticCluster(size)), directory);
  },

  /** From a filled Cluster to rules in force. */
  async ours({ size, directory, memory }: FillCall & { size: ClusterSize }): Promise<Fill> {
    const cluster = syntheticCluster(size);
    return measured(directory, memory, async (nft) => {
      const syncer = syncerOf(modelOf(cluster), createNft(directory, 'ip', nft));
      void syncer.run();
      await syncer.whenInSync();
    });
  },

  /** The same rules from files. */
  async bare({ loads, directory, memory }: FillCall & { loads: readonly Load[] }): Promise<Fill> {
    return measured(directory, memory, (nft) => loadAll(loads, nft));
  },

  /** A hash of the ruleset that is in force, equal for equal ones. */
  async fingerprint(): Promise<string> {
    return fingerprintOf(TABLE);
  },

  /** Deletes a table of IPv4; ours if it is not named. */
  async wipe(table: string = TABLE): Promise<void> {
    runSync(['nft', 'delete', 'table', 'ip', table], { timeoutMs: 300_000 });
  },
};

export type FirstFillHandlers = typeof handlers;

async function measured(directory: string, memory: boolean, fill: (nft: string) => Promise<void>): Promise<Fill> {
  const peak = memory ? new PeakMemory(directory) : undefined;
  const started = performance.now();
  await fill(peak?.nft ?? 'nft');
  return { milliseconds: performance.now() - started, nftMegabytes: peak?.megabytes ?? 0 };
}

serve(handlers);
