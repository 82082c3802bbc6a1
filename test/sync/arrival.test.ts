import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTables, isLive, readTable } from '../../src/nft/tables.ts';
import { createInitialSync } from '../../src/sync/initial-sync.ts';
import { eventually } from '../builders/eventually.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { TestKernel } from '../netns/kernel.ts';

const SERVICES = 2_500;
const clusterIp = (n: number) => `10.96.${n >> 8}.${n & 255}`;

/** `fault`: a shell fragment that plays one before nft runs; see TestKernel.nft. */
function start(kernel: TestKernel, fault = '') {
  const nft = kernel.nft('ip', fault);
  const { initialSync, complete } = createInitialSync();
  const { cluster, model, syncer, lines } = startSyncer(nft, [], { initialSync });
  const addService = (n: number) => syncer.changed(cluster.set(service({ name: `s${n}`, clusterIps: [clusterIp(n)] })));
  const addSlice = (n: number) =>
    syncer.changed(cluster.set(slice([ready('10.32.0.1')], { name: `s${n}`, serviceName: `s${n}` })));
  const keysIn = async (name: string) => {
    const [table] = await findTables(nft, 'ip');
    const elements = table === undefined ? [] : (await readTable(nft, model.program, table.name)).elements;
    return elements.filter(({ setOrMap }) => setOrMap.name === name).map(({ key }) => key);
  };
  return { model, nft, syncer, lines, complete, addService, addSlice, keysIn };
}

const all = Array.from({ length: SERVICES }, (_, n) => n);

describe('while Services still arrive', () => {
  it('the table is filled with what has its endpoints, and packets meet it only once all is known', async () => {
    using kernel = new TestKernel();
    const { model, nft, syncer, complete, addService, addSlice, keysIn } = start(kernel);
    for (const n of all) addService(n);
    for (const n of all.slice(1)) addSlice(n);
    let programmed = await keysIn('services');
    for (let tries = 0; programmed.length === 0 && tries < 100; tries++) {
      await sleep(50);
      programmed = await keysIn('services');
    }
    assert.notEqual(programmed.length, 0);
    const [staged] = await findTables(nft, 'ip');
    assert.deepEqual(staged?.baseChains, []);
    assert.ok(!programmed.includes(`${clusterIp(0)} . tcp . 80`));

    complete();
    await syncer.whenInSync();
    syncer.stop();
    const [table] = await findTables(nft, 'ip');
    assert.ok(table !== undefined && isLive(table, model.program));
    assert.equal((await keysIn('services')).length, SERVICES);
    assert.equal(model.ruleset.lookUp('services', `${clusterIp(0)} . tcp . 80`)?.value, 'goto refuse');
  });

  it('a table of the last run is not touched', async () => {
    using kernel = new TestKernel();
    const first = start(kernel);
    first.addService(1);
    first.addSlice(1);
    first.complete();
    await first.syncer.whenInSync();
    first.syncer.stop();
    const before = kernel.listing('ip', 'kube-proxy-nft');

    const second = start(kernel);
    for (const n of all.slice(2)) second.addService(n);
    for (const n of all.slice(2)) second.addSlice(n);
    await sleep(300);
    assert.equal(kernel.listing('ip', 'kube-proxy-nft'), before);
    second.complete();
    await second.syncer.whenInSync();
    second.syncer.stop();
    assert.equal((await second.keysIn('services')).length, SERVICES - 2);
  });

  it('a first table that nft does not take is made again once they are complete', async () => {
    using kernel = new TestKernel();
    const failed = join(kernel.directory, 'failed');
    const fault = `case "$*" in *"-f "*) if [ ! -e ${failed} ]; then
      echo 'Error: Could not process rule: Cannot allocate memory' >&2; touch ${failed}; exit 1; fi;; esac`;
    const { model, syncer, lines, complete, addService, addSlice } = start(kernel, fault);
    addService(1);
    addSlice(1);
    await eventually(() => existsSync(failed), String);
    // nft is gone and its failure told; nobody waits for it yet.
    await sleep(300);
    complete();
    await syncer.whenInSync();
    syncer.stop();
    const [table] = await findTables(kernel.nft('ip'), 'ip');
    assert.ok(table !== undefined && isLive(table, model.program));
    assert.match(lines.join('\n'), /E a transaction failed, reading the kernel again: .*Cannot allocate memory/);
  });
});
