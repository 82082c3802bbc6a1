import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FAMILIES } from '../../src/ip.ts';
import { DryRunSession } from '../../src/nft/dry-run-session.ts';
import { handlesIn, RulesLister } from '../../src/nft/rules-lister.ts';
import { NftSession } from '../../src/nft/session.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace } from '../netns/namespaces.ts';
import { byHand, findVersions, nftOf } from './nft-version.ts';

const NETWORKS = { ip: '10.0.', ip6: 'fd00::' } as const;

for (const version of findVersions()) {
  describe(`a session of nft ${version.version}`, () => {
    for (const family of FAMILIES) {
      it(`${family}: takes documents of every size, refuses what is not there, is the only process`, async () => {
        using kernel = new TestKernel();
        const calls = join(kernel.directory, 'calls');
        const nft = nftOf(version, kernel, family, `echo "$@" >> ${calls}`);
        const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
        kernel.load(`table ${family} t {\n set s {\n type ${type}\n }\n}`);
        const { log, lines } = recordingLog();
        await nft.openSession(log);
        const change = (verb: 'add' | 'delete', count: number) => {
          const elem = Array.from({ length: count }, (_, n) =>
            family === 'ip' ? `${NETWORKS.ip}${n >> 8}.${n & 255}` : `${NETWORKS.ip6}${(n + 1).toString(16)}`,
          );
          return `{"nftables":[\n${JSON.stringify({ [verb]: { element: { family, table: 't', name: 's', elem } } })}\n]}\n`;
        };
        const most = Array.from({ length: 2000 }, (_, n) => n).findLast((n) => NftSession.takes(change('add', n))) ?? 0;
        for (const count of [1, 100, most]) {
          await nft.apply(change('add', count));
          const listed = byHand(version, kernel, ['list', 'set', family, 't', 's']).stdout;
          assert.equal(listed.split(NETWORKS[family]).length - 1, count);
          await nft.apply(change('delete', count));
          await assert.rejects(nft.apply(change('delete', 1)), { failure: 'not-found' });
        }
        await assert.rejects(nft.apply('{"nftables":[{"bogus":{}}]}\n'), { failure: 'refused' });
        byHand(version, kernel, ['flush', 'ruleset']);
        await assert.rejects(nft.apply(change('add', 1)), { failure: 'not-found' });
        nft.closeSession();
        assert.deepEqual(readFileSync(calls, 'utf8').trim().split('\n'), [`-j -i -I ${kernel.directory}`]);
        assert.deepEqual(lines, []);
      });
    }

    it('for dry runs tells by handles whether rules are there, and changes nothing', async () => {
      using kernel = new TestKernel();
      const table = 'kube-proxy-nft';
      kernel.load(`table ip ${table} {
        chain c { ip daddr 10.0.0.1 accept; counter; }
        chain h { type filter hook input priority 0; jump c; }
      }`);
      const nft = join(kernel.directory, 'nft');
      const run = inNamespace(kernel.namespace, version.command).map((word) => `'${word}'`);
      writeFileSync(nft, `#!/bin/sh\nexec ${run.join(' ')} "$@"\n`, { mode: 0o700 });
      const list = async () => handlesIn(await new RulesLister().list(nftOf(version, kernel, 'ip'), 0, 0), 'ip', table);
      const handles = await list();
      assert.deepEqual(
        [...handles].map(([chain, { length }]) => `${chain} ${length}`),
        ['c 2', 'h 1'],
      );
      const document = [...handles].flatMap(([chain, all]) =>
        all.map((handle) => `delete rule ip ${table} ${chain} handle ${handle}\n`),
      );
      const session = await DryRunSession.open({ nft, runDir: kernel.directory, timeout: 30_000 });
      for (let i = 0; i < 3; i++) await session.check(document.join(''));
      assert.deepEqual(await list(), handles);
      byHand(version, kernel, ['flush', 'chain', 'ip', table, 'h']);
      await assert.rejects(session.check(document.join('')), { failure: 'not-found' });
      session.close();
    });
  });
}
