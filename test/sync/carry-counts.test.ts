import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ProgramOptions } from '../../src/ruleset/program/program.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { TestKernel } from '../netns/kernel.ts';

/** The log of a daemon with one Service that begins, and ends. */
async function run(kernel: TestKernel, program: ProgramOptions, fault = ''): Promise<readonly string[]> {
  const nft = kernel.nft('ip', fault);
  const objects = [service(), slice([ready('10.32.0.1')])];
  const { syncer, stop, lines } = startSyncer(nft, objects, { model: { program } });
  await syncer.whenInSync();
  await stop();
  nft.closeSession();
  return lines;
}

const KEY = '10.96.0.10 . tcp . 80';

/** How many connections a table has counted, by set. */
function countsIn(kernel: TestKernel, table: string): Readonly<Record<string, number>> {
  const { stdout } = kernel.byHand('list', 'table', 'ip', table);
  const counts: Record<string, number> = {};
  let set = '';
  for (const line of stdout.split('\n')) {
    set = /^\tset (\S+) \{/.exec(line)?.[1] ?? set;
    const packets = /10\.96\.0\.10 \. tcp \. 80 counter packets (\d+)/.exec(line)?.[1];
    if (packets !== undefined) counts[set] = Number(packets);
  }
  return counts;
}

suite('a table that takes over from another that counts', () => {
  for (const [what, fault, kept] of [
    ['goes on with its counters', '', true],
    [
      'begins at 0 where they cannot be listed',
      'case "$*" in *"list set ip kube-proxy-nft "*) echo "Error: no" >&2; exit 1;; esac',
      false,
    ],
  ] as const) {
    test(what, async () => {
      using kernel = new TestKernel();
      await run(kernel, { connectionCounters: true });
      const [set, ...more] = Object.keys(countsIn(kernel, 'kube-proxy-nft'));
      assert.ok(set !== undefined && more.length === 0, `${set} ${more}`);
      const own = `element ip kube-proxy-nft ${set}`;
      const counted = `${KEY} counter packets 7 bytes 420 comment "default/web:http"`;
      kernel.load(`delete ${own} { ${KEY} }\nadd ${own} { ${counted} }\n`);
      const lines = await run(kernel, { connectionCounters: true, masqueradeAll: true }, fault);
      assert.deepEqual(countsIn(kernel, 'kube-proxy-nft-b'), { [set]: kept ? 7 : 0 });
      const complaints = lines.filter((line) => line.startsWith('W'));
      assert.equal(complaints.length, kept ? 0 : 1, lines.join('\n'));
      if (!kept) assert.match(complaints.join(), /counters of new connections may start from 0 again/);
    });
  }
});
