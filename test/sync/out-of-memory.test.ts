import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTable } from '../../src/nft/tables.ts';
import { buildProgram } from '../../src/ruleset/program.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { FamilyModel } from '../../src/sync/family-model.ts';
import { FamilySyncer } from '../../src/sync/family-syncer.ts';
import { networks } from '../builders/networks.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { MemoryGroup } from '../host/memory-group.ts';
import { TestKernel } from '../netns/kernel.ts';

/** Bytes: more than nft needs for 2,000 elements, and less than for 10,000 (16 and 32 MB resident, nft 1.0.6). */
const LIMIT = 12 * 2 ** 20;
const SERVICES = 5000;

describe('an nft without the memory for its batch', () => {
  it('is killed by the kernel; smaller batches bring all into force', async (context) => {
    using kernel = new TestKernel();
    const group = new MemoryGroup(LIMIT);
    context.after(() => group.remove());
    const cluster = new Cluster(NODE_NAME);
    for (let n = 0; n < SERVICES; n++) {
      const name = `s${n}`;
      cluster.set(service({ name, clusterIps: [`10.96.${n >> 8}.${n & 255}`] }));
      const endpoints = [0, 1, 2, 3, 4].map((i) => ready(`10.${128 + i}.${n >> 8}.${n & 255}`));
      cluster.set(slice(endpoints, { name, serviceName: name }));
    }
    const { log, lines } = recordingLog();
    const model = new FamilyModel(cluster, { program: buildProgram('ip', {}), networks: () => networks([]) }, log);
    // A listing is not in parts: only what loads is in the group.
    const fault = `case "$*" in *"-f "*) echo $$ > ${group.procs};; esac`;
    const syncer = new FamilySyncer(model, kernel.nft('ip', fault), log);
    const running = syncer.run();
    await syncer.whenInSync();
    syncer.stop();
    await running;
    assert.ok(group.kills > 0, 'the kernel killed nobody');
    assert.match(lines.join('\n'), /nft was ended by SIGKILL/);
    const { elements } = await readTable(kernel.nft('ip'), model.program, syncer.table ?? assert.fail());
    const held = model.program.containers.flatMap((container) => [...model.ruleset.elementsOf(container)]);
    assert.equal(elements.length, held.length);
  });
});
