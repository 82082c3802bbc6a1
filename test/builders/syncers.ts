import assert from 'node:assert/strict';
import type { Family } from '../../src/ip.ts';
import type { Nft } from '../../src/nft/nft.ts';
import { findTables, foundElements, isLive, readTable } from '../../src/nft/tables.ts';
import type { KubeObject } from '../../src/objects/decode.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import { FamilySyncer } from '../../src/sync/family-syncer.ts';
import type { InitialSync } from '../../src/sync/initial-sync.ts';
import { NO_OBSERVER, type SyncObserver } from '../../src/sync/observer.ts';
import type { SyncerOptions } from '../../src/sync/syncer-options.ts';
import { applyChange, type ClusterChange, elementLines, elementsOf, type ModelOptions, newModel } from './models.ts';

export interface SyncerSettings extends Omit<SyncerOptions, 'observer'> {
  /** What is not said here is not told. */
  readonly observer?: Partial<SyncObserver>;
  /** Default: everything is known. */
  readonly initialSync?: InitialSync;
  readonly model?: Omit<ModelOptions, 'family'>;
}

/** A syncer at work on a family (IPv4 unless `family` says otherwise), with the model of these objects. */
export function startSyncer(
  nft: Nft,
  from: Cluster | readonly KubeObject[],
  {
    family = 'ip',
    initialSync,
    model: modelOptions,
    observer = {},
    ...options
  }: SyncerSettings & { family?: Family } = {},
) {
  const made = newModel(from, { ...modelOptions, family });
  const { cluster, model, log } = made;
  const syncer = new FamilySyncer(model, nft, log, { ...options, observer: { ...NO_OBSERVER, ...observer } });
  const running = syncer.run(initialSync);
  /** Has the cluster change, and waits until that is in force. */
  const apply = (...changes: readonly ClusterChange[]) => {
    syncer.changed(changes.flatMap((change) => applyChange(cluster, change)));
    return syncer.whenInSync();
  };
  const stop = () => {
    syncer.stop();
    return running;
  };
  return {
    ...made,
    syncer,
    apply,
    /** Has objects come or change, and waits until they are in force. */
    set: (...objects: readonly KubeObject[]) => apply(...objects.map((set) => ({ set }))),
    /** Log lines of warnings and errors. */
    complaints: () => made.lines.filter((line) => !line.startsWith('I')),
    /** Fails unless the kernel has one table of ours, in force, with just what the model holds. `reader`: another nft to look. */
    assertInSync: async (reader = nft) => {
      const tables = await findTables(reader, family);
      const [table] = tables;
      assert.ok(tables.length === 1 && table !== undefined && isLive(table, model.program), JSON.stringify(tables));
      const found = foundElements(await readTable(reader, model.program, table.name));
      assert.deepEqual(elementLines(found), elementLines(elementsOf(model.ruleset)));
    },
    stop,
    [Symbol.dispose]: () => void stop(),
  };
}
