import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { FAMILIES, type Family } from '../../src/ip.ts';
import { findTables, foundElements, isLive, readTable } from '../../src/nft/tables.ts';
import type { Element } from '../../src/ruleset/element.ts';
import { OBJECTS } from '../../src/ruleset/objects.ts';
import { buildProgram } from '../../src/ruleset/program.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { FamilyModel } from '../../src/sync/family-model.ts';
import { FamilySyncer } from '../../src/sync/family-syncer.ts';
import { applyChange, clusterChange } from '../builders/cluster-changes.ts';
import { networks } from '../builders/networks.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { TestKernel } from '../netns/kernel.ts';

const POD_CIDRS = { ip: '10.32.0.0/16', ip6: 'fd00:32::/64' };

function startSyncer(kernel: TestKernel, cluster: Cluster, family: Family) {
  const { log, lines } = recordingLog();
  const program = buildProgram(family, { localPods: { by: 'pod-cidrs' } });
  const model = new FamilyModel(cluster, { program, networks: () => networks([POD_CIDRS[family]]) }, log);
  const nft = kernel.nft(family);
  const syncer = new FamilySyncer(model, nft, log);
  void syncer.run();
  return { model, nft, syncer, lines };
}

function texts(elements: Iterable<Element>): readonly string[] {
  return [...elements]
    .map(({ container, key, value, comment }) => `${container.name} ${key} : ${value} # ${comment}`)
    .sort();
}

describe('the kernel after any sequence of changes', () => {
  for (const family of FAMILIES) {
    it(`lists just what the model holds, and a fresh start finds nothing to write (${family})`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(clusterChange, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
          async (steps) => {
            using kernel = new TestKernel();
            const cluster = new Cluster('node-a');
            const { model, nft, syncer, lines } = startSyncer(kernel, cluster, family);
            await syncer.whenInSync();
            for (const step of steps) {
              syncer.changed(step.flatMap((change) => applyChange(cluster, change)));
              await syncer.whenInSync();
            }
            syncer.stop();
            const [table] = await findTables(nft, family);
            assert.ok(table !== undefined && isLive(table, model.program));
            const containers = [...model.program.containers, ...OBJECTS];
            const held = containers.flatMap((container) => [...model.ruleset.elementsOf(container)]);
            const found = foundElements(await readTable(nft, model.program, table.name));
            assert.deepEqual(texts(found), texts(held));
            assert.deepEqual(
              lines.filter((line) => line.startsWith('E')),
              [],
            );

            const again = startSyncer(kernel, cluster, family);
            await again.syncer.whenInSync();
            again.syncer.stop();
            assert.match(again.lines.join('\n'), /up to date .*written=0/);
          },
        ),
        { numRuns: 12, endOnFailure: true },
      );
    });
  }
});
