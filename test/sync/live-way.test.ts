import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Nft } from '../../src/nft/nft.ts';
import { NftError } from '../../src/nft/run.ts';
import { dumpText } from '../../src/ruleset/model/dump-text.ts';
import { Ruleset } from '../../src/ruleset/model/ruleset.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import { frontendKey } from '../../src/service/frontend.ts';
import { atOnce } from '../../src/service/steps.ts';
import { compareWay, isOnWay } from '../../src/sync/live-way.ts';
import { Way } from '../../src/trace/way.ts';
import { frontend } from '../builders/frontends.ts';
import { TestKernel } from '../netns/kernel.ts';

const TABLE = 'kube-proxy-nft';
const PROGRAM = buildProgram('ip', {});
const VERDICT = '10.96.0.10 . tcp . 80';

const setOrMapOf = (name: string) => PROGRAM.setsAndMaps.find((one) => one.name === name) ?? assert.fail(name);

/** The way of a packet to the Service: what it looks up in three sets and maps, and the chain dispatch. */
function wayToService(): Way {
  const way = new Way();
  way.enters('dispatch');
  way.looksUp('services', VERDICT);
  way.looksUp('cluster-ips', '10.96.0.10');
  way.looksUp('endpoints-tcp', '10.96.0.10 . 80 . 0');
  return way;
}

/** A kernel that holds a Service with two endpoints, and what of the way to it differs after a change by hand. */
async function differencesAfter(...change: readonly string[]) {
  using kernel = new TestKernel();
  const ruleset = new Ruleset(PROGRAM);
  const wanted = frontend([1, 2]);
  atOnce(ruleset.setFrontend(frontendKey(wanted), wanted));
  ruleset.takeTransaction();
  kernel.load(dumpText(ruleset, TABLE, [], true));
  if (change.length > 0) kernel.byHand(...change);
  const { chains, elements, differences, notCompared } = await compareWay(
    wayToService(),
    ruleset,
    kernel.nft('ip'),
    TABLE,
  );
  assert.deepEqual(notCompared, []);
  return { chains, elements, kinds: differences.map(({ drift: { kind, action } }) => `${kind} ${action}`) };
}

suite('the way of a packet in the kernel', () => {
  test('is as the model has it', async () => {
    assert.deepEqual(await differencesAfter(), { chains: 1, elements: 3, kinds: [] });
  });

  test('lacks an element that the packet looks up', async () => {
    const { kinds } = await differencesAfter('delete', 'element', 'ip', TABLE, 'services', `{ ${VERDICT} }`);
    assert.deepEqual(kinds, ['verdict deleted']);
  });

  test('lacks nothing where the packet does not look it up', async () => {
    const { kinds } = await differencesAfter(
      'delete',
      'element',
      'ip',
      TABLE,
      'endpoints-tcp',
      '{ 10.96.0.10 . 80 . 1 }',
    );
    assert.deepEqual(kinds, []);
  });

  test('lacks a rule', async () => {
    const { kinds } = await differencesAfter('flush', 'chain', 'ip', TABLE, 'dispatch');
    assert.deepEqual(kinds, ['dispatch deleted']);
  });

  test('lacks everything without the table', async () => {
    assert.deepEqual(await differencesAfter('delete', 'table', 'ip', TABLE), {
      chains: 0,
      elements: 0,
      kinds: ['table deleted'],
    });
  });

  test('is shared with a second table of ours that has hooks', async () => {
    const { kinds } = await differencesAfter('add', 'table', 'ip', 'kube-proxy-nft-b');
    assert.deepEqual(kinds, [], 'no packet comes there');
    const hook = '{ type filter hook input priority 7; }';
    const hooked = await differencesAfter('add', `table ip kube-proxy-nft-b; add chain ip kube-proxy-nft-b x ${hook}`);
    assert.deepEqual(hooked.kinds, ['table added']);
  });

  test('meets a chain with a hook that is not ours', async () => {
    const { kinds } = await differencesAfter(
      'add',
      'chain',
      'ip',
      TABLE,
      'x',
      '{ type filter hook input priority 7; }',
    );
    assert.deepEqual(kinds, ['foreign-chain added']);
  });

  test('does not differ in a chain that the model is changing', async () => {
    using kernel = new TestKernel();
    const ruleset = new Ruleset(PROGRAM);
    kernel.load(dumpText(ruleset, TABLE, [], true));
    const wanted = frontend([1, 2], { affinitySeconds: 60 });
    atOnce(ruleset.setFrontend(frontendKey(wanted), wanted));
    const [chain] = ruleset.dynamicChains();
    assert.ok(chain !== undefined);
    const way = new Way();
    way.enters(chain.name);
    const differing = async () => (await compareWay(way, ruleset, kernel.nft('ip'), TABLE)).differences.length;
    assert.equal(await differing(), 0, 'it is on its way');
    ruleset.takeTransaction();
    assert.equal(await differing(), 1, 'it is taken for sent');
  });

  test('does not differ in what the second look does not find', async () => {
    using kernel = new TestKernel();
    const nft = kernel.nft('ip');
    let looks = 0;
    const ruleset = new Ruleset(PROGRAM);
    const wanted = frontend([1, 2]);
    atOnce(ruleset.setFrontend(frontendKey(wanted), wanted));
    ruleset.takeTransaction();
    kernel.load(dumpText(ruleset, TABLE, [], true));
    const verdict = kernel.byHand('list', 'map', 'ip', TABLE, 'services').stdout.match(/goto \S+/)?.[0] ?? '';
    kernel.byHand('delete', 'element', 'ip', TABLE, 'services', `{ ${VERDICT} }`);
    const changing: Nft = {
      ...nft,
      look: async (...args) => {
        const [, , timeout] = args;
        assert.ok(timeout >= 3, `nft has ${timeout} s`);
        // The first look takes two listings: rules, elements.
        if (++looks === 3)
          kernel.load(`add element ip ${TABLE} services { ${VERDICT} comment "default/web:http" : ${verdict} }`);
        return nft.look(...args);
      },
    };
    assert.deepEqual((await compareWay(wayToService(), ruleset, changing, TABLE)).differences, []);
    assert.equal(looks, 4);
  });

  for (const [what, failure, isTooSlow] of [
    ['takes too long', 'unknown-outcome', true],
    ['fails', 'not-permitted', false],
  ] as const) {
    test(`is ${isTooSlow ? 'compared but for its elements' : 'not known'} where nft ${what} over these`, async () => {
      using kernel = new TestKernel();
      const ruleset = new Ruleset(PROGRAM);
      kernel.load(dumpText(ruleset, TABLE, [], true));
      const nft = kernel.nft('ip');
      const failing: Nft = {
        ...nft,
        look: (...args) =>
          args[1][0] === '-t' ? nft.look(...args) : Promise.reject(new NftError(failure, 'no', isTooSlow)),
      };
      const comparing = compareWay(wayToService(), ruleset, failing, TABLE);
      if (!isTooSlow) {
        await assert.rejects(comparing, NftError);
        return;
      }
      const { chains, differences, notCompared } = await comparing;
      assert.deepEqual([chains, differences, notCompared.length], [1, [], 1]);
      assert.match(notCompared[0] ?? '', /map services.*: nft did not finish listing it/);
    });
  }

  test('is not known where nft fails', async () => {
    using kernel = new TestKernel();
    const nft = kernel.nft('ip', "echo 'Error: Could not process rule: Operation not permitted' >&2; exit 1");
    await assert.rejects(compareWay(wayToService(), new Ruleset(PROGRAM), nft, TABLE), /Operation not permitted/);
  });
});

suite('what differs is on the way', () => {
  const drift = { kind: 'slot', action: 'added', message: '' } as const;
  const isOn = (name: string, key: string) =>
    isOnWay(wayToService(), { element: { setOrMap: setOrMapOf(name), key }, drift });

  test('if it is an element that the packet looks up', () => {
    assert.equal(isOn('services', VERDICT), true);
    assert.equal(isOn('services', '10.96.0.11 . tcp . 80'), false);
  });

  test('if it stands for many, in a set that has one key for each', () => {
    assert.equal(isOn('services', '10.96.0.0-10.96.0.255 . tcp . 80'), true);
    assert.equal(isOn('services-cluster', '10.96.0.0-10.96.0.255 . tcp . 80'), false, 'it is not looked up');
    assert.equal(isOn('source-ranges', '10.96.0.10 . tcp . 80 . 10.0.0.0/8'), false, 'ranges are usual there');
  });

  test('if it is a chain that the packet enters, or what every packet comes to', () => {
    assert.equal(isOnWay(wayToService(), { chain: 'dispatch', drift }), true);
    assert.equal(isOnWay(wayToService(), { chain: 'refuse', drift }), false);
    assert.equal(isOnWay(wayToService(), { drift }), true);
  });
});
