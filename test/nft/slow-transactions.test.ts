import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Nft } from '../../src/nft/nft.ts';
import { NftError } from '../../src/nft/run.ts';
import { tellOfSlowTransactions } from '../../src/nft/slow-transactions.ts';
import { recordingLog } from '../builders/recording-log.ts';

/** What is told when these tables have so many chains; "family name" → count. */
async function told(milliseconds: number, version: string, tables: Readonly<Record<string, number>>) {
  const { log, lines } = recordingLog();
  const chains = Object.entries(tables).flatMap(([name, count]) => {
    const [family, table] = name.split(' ');
    return Array.from({ length: count }, (_, n) => ({ chain: { family, table, name: `c${n}` } }));
  });
  const nft = { list: async () => chains, version: async () => version };
  await tellOfSlowTransactions(milliseconds, nft as unknown as Nft, log);
  return lines;
}

suite('slow transactions', () => {
  test('beside many chains of others are told with the table that has the most, and the nft that does not read them', async () => {
    const tables = { 'ip filter': 200, 'ip nat': 2900, 'ip6 nat': 12, 'ip kube-proxy-nft': 30 };
    assert.deepEqual(await told(11.7, '1.0.6', tables), [
      'W tables of other programs make each of our changes slow (12 ms of CPU time): this nft reads all of their 3112 ' +
        'chains for each, 2900 of them in table ip nat; upgrade nftables to 1.1.2 or newer, or remove those that nobody needs ' +
        'nft="1.0.6"',
    ]);
  });

  test('are put down to sets of others where chains are not read, or few', async () => {
    const because =
      /^W tables of other programs .*\(31 ms .*: nft reads all of their sets and maps for each; remove those/;
    for (const [version, count] of [
      ['1.1.3', 3000],
      ['1.0.6', 10],
    ] as const) {
      const [line = '', ...more] = await told(31, version, { 'ip nat': count });
      assert.match(line, because);
      assert.deepEqual(more, []);
    }
  });

  test('may be our own, of session affinity, or those of a slow machine: nothing is told', async () => {
    const own = { 'ip kube-proxy-nft': 2000, 'ip6 kube-proxy-nft-b': 2000, 'ip nat': 3000 };
    assert.deepEqual(await told(30, '1.0.6', own), []);
    assert.deepEqual(await told(5, '1.0.6', { 'ip nat': 999 }), []);
    assert.deepEqual(await told(5, '1.1.3', { 'ip nat': 3000 }), []);
  });

  test('whose reason nft does not tell are no error', async () => {
    const { log, lines } = recordingLog();
    const list = () => Promise.reject(new NftError('refused', 'no'));
    await tellOfSlowTransactions(30, { list } as unknown as Nft, log);
    assert.deepEqual(
      lines.filter((line) => /^[EW]/.test(line)),
      [],
    );
  });
});
