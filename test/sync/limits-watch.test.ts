import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAMILIES } from '../../src/ip.ts';
import { dumpText } from '../../src/ruleset/dump-text.ts';
import { LIMIT_COUNTERS } from '../../src/ruleset/limits.ts';
import { LimitsWatch } from '../../src/sync/limits-watch.ts';
import { frontend } from '../builders/frontends.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { rulesetFor, setServices, WEB } from '../builders/rulesets.ts';
import { TestKernel } from '../netns/kernel.ts';

const TABLE = 'kube-proxy-nft' as const;

describe('what limits of Services have done', () => {
  for (const family of FAMILIES) {
    it(`is taken from the kernel's counters, each connection once, and told where none was kept (${family})`, async () => {
      using kernel = new TestKernel();
      const endpoints = [{ address: family === 'ip' ? '10.0.0.1' : 'fd00::1', port: 8080, maybeLocal: false }];
      const limits = { limitPerSecond: 5, maxConnections: 7 };
      const address = family === 'ip' ? '10.96.0.10' : 'fd00:96::10';
      const ruleset = rulesetFor([frontend([], { family, address, endpoints, ...limits })]);
      const seen: string[] = [];
      const { log, lines } = recordingLog();
      const watch = new LimitsWatch({
        families: [{ model: { family, ruleset }, nft: kernel.nft(family), table: () => TABLE }],
        log,
        onCount: (of, result, connections) => seen.push(`${of} ${result} ${connections}`),
      });
      const text = dumpText(ruleset, TABLE, [], true);
      const packets = [3, 0, 2];
      assert.equal(ruleset.countOf(LIMIT_COUNTERS), packets.length);
      kernel.load(text.replaceAll('{ packets 0 bytes 0 }', () => `{ packets ${packets.shift()} bytes 60 }`));
      await watch.look();
      await watch.look();
      // In the order of their names: full, limited, unlimited.
      assert.deepEqual(seen.sort(), [`${family} full 3`, `${family} unlimited 2`]);
      assert.equal(lines.length, 1);
      assert.match(
        lines[0] ?? '',
        /^W.*Service default\/web: kube-proxy-nft\/limit is not kept: its list of clients is full/,
      );
    });
  }

  it('is not asked for where no Service has a limit, and a failure is told', async () => {
    using kernel = new TestKernel();
    const { log, lines } = recordingLog();
    const ruleset = rulesetFor([]);
    const looks = { model: { family: 'ip' as const, ruleset }, nft: kernel.nft('ip'), table: () => TABLE } as const;
    const watch = new LimitsWatch({ families: [looks], log, onCount: () => assert.fail('nothing is counted') });
    await watch.look();
    assert.deepEqual(lines, []);
    setServices(ruleset, { [WEB]: [frontend([1], { limitPerSecond: 5 })] });
    await watch.look();
    assert.match(lines.join('\n'), /^W.*what limits of Services have done is not known: /);
  });
});
