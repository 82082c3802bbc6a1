import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manyObjects } from '../builders/many-objects.ts';
import { startSyncer } from '../builders/syncers.ts';
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
    // A listing is not in parts: only what loads is in the group.
    const fault = `case "$*" in *"-f "*) echo $$ > ${group.procs};; esac`;
    const proxy = startSyncer(kernel.nft('ip', fault), manyObjects(SERVICES));
    await proxy.syncer.whenInSync();
    await proxy.assertInSync(kernel.nft('ip'));
    await proxy.stop();
    assert.ok(group.kills > 0, 'the kernel killed nobody');
    assert.match(proxy.lines.join('\n'), /nft was ended by SIGKILL/);
  });
});
