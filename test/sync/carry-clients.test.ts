import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AFFINITY_SETS } from '../../src/ruleset/program/affinity.ts';
import type { ProgramOptions } from '../../src/ruleset/program/program.ts';
import { carryClients } from '../../src/sync/carry-clients.ts';
import { modelFor } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { recordingNft } from '../builders/recording-nft.ts';
import { startSyncer } from '../builders/syncers.ts';
import { TestKernel } from '../netns/kernel.ts';

/** The lines of a daemon that begins with session affinity for clients of Service web (two endpoints), and ends. */
async function run(kernel: TestKernel, program: ProgramOptions, fault = ''): Promise<readonly string[]> {
  const objects = [service({ affinitySeconds: 10_800 }), slice([ready('10.32.0.1'), ready('10.32.0.2')])];
  const nft = kernel.nft('ip', fault);
  const { syncer, stop, lines } = startSyncer(nft, objects, { model: { program } });
  await syncer.whenInSync();
  await stop();
  nft.closeSession();
  return lines;
}

/** Lets every set of a table know a client, each another. */
function addClients(kernel: TestKernel, table: string): void {
  const sets = kernel.byHand('list', 'table', 'ip', table).stdout.match(/affinity-\S+(?= \{$)/gm) ?? [];
  assert.equal(sets.length, 2);
  for (const [i, set] of sets.entries()) {
    kernel.load(`add element ip ${table} ${set} { 198.18.0.${i + 1} timeout 3h expires 2h }\n`);
  }
}

/** What a table's sets know: with nearly two hours left. */
function clientsIn(kernel: TestKernel, table: string): readonly string[] {
  const { stdout } = kernel.byHand('list', 'table', 'ip', table);
  return stdout.match(/198\.18\.0\.\d+ timeout 3h expires 1h5/g) ?? [];
}

suite('a table that takes over from another', () => {
  test('knows its clients with session affinity, and what is left of their time', async () => {
    using kernel = new TestKernel();
    await run(kernel, {});
    addClients(kernel, 'kube-proxy-nft');
    const lines = await run(kernel, { masqueradeAll: true });
    assert.deepEqual(clientsIn(kernel, 'kube-proxy-nft-b'), [
      '198.18.0.1 timeout 3h expires 1h5',
      '198.18.0.2 timeout 3h expires 1h5',
    ]);
    assert.ok(
      lines.some((line) => /session affinity keep their endpoints .*clients[^\d]+2\b/.test(line)),
      lines.join('\n'),
    );
  });

  for (const [what, fault] of [
    ['cannot be listed', 'case "$*" in "list table "*) echo "Error: no" >&2; exit 1;; esac'],
    [
      'knows what nft does not take',
      `case "$*" in "list table "*) "$0" -a list table ip kube-proxy-nft | sed 's/ # handle.*//; s/198.18.0.1 /999.18.0.1 /'; exit;; esac`,
    ],
  ] as const) {
    test(`comes into force without them where the other ${what}`, async () => {
      using kernel = new TestKernel();
      await run(kernel, {});
      addClients(kernel, 'kube-proxy-nft');
      const lines = await run(kernel, { masqueradeAll: true }, fault);
      assert.deepEqual(clientsIn(kernel, 'kube-proxy-nft-b'), []);
      assert.equal(lines.filter((line) => /^W.*may move to other endpoints/.test(line)).length, 1, lines.join('\n'));
      assert.ok(lines.some((line) => /the rules are in force/.test(line)));
      assert.doesNotMatch(kernel.byHand('list', 'chains', 'ip').stdout, /table ip kube-proxy-nft \{/);
    });
  }

  for (const [count, told] of [
    [0, []],
    [65_536, ['I clients with session affinity keep their endpoints family="ip" clients=65536']],
    [
      65_539,
      [
        'I clients with session affinity keep their endpoints family="ip" clients=65536',
        'W too many clients with session affinity: the rest may move family="ip" clients=3',
      ],
    ],
  ] as const) {
    test(`knows ${Math.min(count, 65_536)} of ${count} clients, and says so`, async () => {
      const objects = [service({ affinitySeconds: 10_800 }), slice([ready('10.32.0.1')])];
      const { model, log, lines, drain } = modelFor(objects);
      drain();
      const [set] = [...model.ruleset.elementsOf(AFFINITY_SETS)].map(({ key }) => key);
      const client = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255} timeout 3h expires 2h`;
      const loaded: string[] = [];
      const { nft } = recordingNft({
        listText: async (onLine) => {
          onLine(`\tset ${set} {`);
          for (let i = 0; i < count; i++) onLine(`\t\t\t     ${client(i)},`);
          onLine('\t}');
        },
        load: async (text) => void loaded.push(...(text.match(/10\.[\d.]+ timeout/g) ?? [])),
      });
      await carryClients({ model, nft, table: 'kube-proxy-nft-b', isLive: false }, 'kube-proxy-nft', log);
      assert.equal(new Set(loaded).size, Math.min(count, 65_536));
      assert.deepEqual(lines, told);
    });
  }
});
