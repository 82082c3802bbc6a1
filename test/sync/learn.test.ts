import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Nft } from '../../src/nft/nft.ts';
import { NftError, type NftFailure } from '../../src/nft/run.ts';
import { Ruleset } from '../../src/ruleset/model/ruleset.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import { isDrift, learn } from '../../src/sync/learn.ts';
import { nextOf, send, type Target } from '../../src/sync/sender.ts';
import { ready, slice } from '../builders/objects.ts';
import { TestKernel } from '../netns/kernel.ts';
import { startRichProxy, TABLE } from './rich-proxy.ts';

suite('a failure shows that the kernel holds other things', () => {
  for (const [failure, message, expected] of [
    ['not-found', 'Could not process rule: No such file or directory', true],
    ['refused', 'Could not process rule: File exists', true],
    ['refused', 'Could not process rule: Invalid argument', false],
    ['unknown-outcome', 'killed; before that: File exists', false],
  ] satisfies readonly (readonly [NftFailure, string, boolean])[]) {
    test(`${failure}, ${message}: ${expected ? 'yes' : 'no'}`, () => {
      assert.equal(isDrift(new NftError(failure, message)), expected);
    });
  }

  test('not one that is not nft’s', () => assert.equal(isDrift(new Error('File exists')), false));
});

suite('what a refused transaction was about', () => {
  /** Looks with an nft whose listings fail; returns how often the transaction was taken back. */
  const learnt = async (error: Error, undo: boolean) => {
    let undone = 0;
    const nft = { look: () => Promise.reject(error) } as unknown as Nft;
    const program = buildProgram('ip', {});
    const [setOrMap] = program.setsAndMaps;
    const adds = [{ setOrMap, key: '10.96.0.10 . tcp . 80', value: 'goto refuse', comment: '' }];
    const lesson = await learn(
      { model: { ruleset: new Ruleset(program), program }, nft, table: 'kube-proxy-nft' } as unknown as Target,
      { transaction: { deletes: [], adds }, ...(undo && { undo: () => undone++ }) } as unknown as Parameters<
        typeof learn
      >[1],
    );
    return { lesson, undone };
  };

  test('is known where the kernel can be listed, and what else differs in the same map', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel, { watch: false });
    await proxy.stop();
    const { model, cluster } = proxy;
    const [ours, others] = ['10.96.0.1 . 80 . 0', '10.96.0.2 . 80 . 0'];
    for (const key of [ours, others]) proxy.byHand('delete', 'element', 'ip', TABLE, 'endpoints-tcp', `{ ${key} }`);
    const ports = [{ name: 'tcp', protocol: 'tcp' as const, port: 8080 }];
    const change = slice([ready('10.32.9.9')], { name: 'web-1', serviceName: 'web', ports });
    for (const key of cluster.set(change)) model.markDirty(key);
    const target = { model, nft: kernel.nft('ip'), table: TABLE, isLive: true } as const;
    const sent = await nextOf(target);
    const refused = await send(target, sent).catch((error: unknown) => error);
    assert.ok(isDrift(refused));
    const lesson = await learn(target, sent);
    const keysOf = (differences: readonly { readonly key: string }[] = []) => differences.map(({ key }) => key);
    assert.deepEqual([keysOf(lesson?.learnt), keysOf(lesson?.others)], [[ours], [others]]);
    await send(target, await nextOf(target));
    assert.match(
      kernel.byHand('list', 'map', 'ip', TABLE, 'endpoints-tcp').stdout,
      /10\.96\.0\.1 \. 80 \. 0 .*10\.32\.9\.9/,
    );
  });

  test('stays as it was where the listing fails', async () => {
    assert.deepEqual(await learnt(new NftError('not-found', 'No such file'), true), { lesson: undefined, undone: 0 });
  });

  test('is not looked at where it cannot be taken back', async () => {
    assert.deepEqual(await learnt(new Error('not to be listed'), false), { lesson: undefined, undone: 0 });
  });

  test('does not hide a fault of this program', async () => {
    await assert.rejects(learnt(new TypeError('a fault'), true), /a fault/);
  });
});
