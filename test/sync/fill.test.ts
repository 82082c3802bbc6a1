import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { NftError } from '../../src/nft/run.ts';
import { readDuringInitialSync, replaceTable } from '../../src/sync/fill.ts';
import { INITIAL_SYNC_DONE } from '../../src/sync/initial-sync.ts';
import { modelFor, newModel } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { recordingNft } from '../builders/recording-nft.ts';
import { describeTransaction } from '../builders/strict-kernel.ts';

/** A table of an earlier version, in force. */
const IN_FORCE = { name: 'kube-proxy-nft', baseChains: ['nat-prerouting'], marker: 'other' } as const;

/** Replaces a table in force while Service default/web is a suspect; nft fails as told over what is tried of it. */
function startReplacing() {
  const { model, log, drain, remove, shortfalls } = modelFor([service(), slice([ready('10.0.0.1')])]);
  drain();
  model.suspects.add(['10.96.0.10 tcp 80']);
  let failure: NftError | undefined;
  const { nft, documents } = recordingNft({
    apply: async (json) => {
      if (json.includes('10.96.0.10') && failure !== undefined) throw failure;
    },
  });
  /** What nft was given: "web" if Service default/web is in it, "hooks" if the new table takes over with it. */
  const replace = async (fails?: NftError) => {
    failure = fails;
    documents.splice(0);
    const error = await replaceTable(model, nft, [IN_FORCE], log, INITIAL_SYNC_DONE).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.equal(error, fails?.failure === 'refused' ? undefined : fails);
    return documents.flatMap((json) => [
      ...(json.includes('10.96.0.10') ? ['web'] : []),
      ...(json.includes('nat-prerouting') ? ['hooks'] : []),
    ]);
  };
  return { model, remove, shortfalls, replace };
}

suite('a table that replaces one in force', () => {
  test('takes over once what is under suspicion has been tried in it', async () => {
    assert.deepEqual(await startReplacing().replace(), ['web', 'hooks']);
  });

  test('takes over without what nft refuses, and does not believe to have it', async () => {
    const { model, remove, shortfalls, replace } = startReplacing();
    assert.deepEqual(await replace(new NftError('refused', 'no')), ['web', 'hooks']);
    assert.equal(shortfalls.count('quarantined'), 1);
    remove('Service', 'default/web');
    do assert.deepEqual(describeTransaction(model.nextTransaction()), []);
    while (model.isDirty);
  });

  test('does not try it first again after nft was killed over it', async () => {
    const { replace } = startReplacing();
    assert.deepEqual(await replace(new NftError('unknown-outcome', 'killed')), ['web']);
    assert.deepEqual(await replace(), ['hooks']);
  });

  test('tries it first again if nft could not be started for it', async () => {
    const { replace } = startReplacing();
    assert.deepEqual(await replace(new NftError('not-started', 'no such file')), ['web']);
    assert.deepEqual(await replace(), ['web', 'hooks']);
  });
});

suite('a table that no packet reaches yet', () => {
  /** Fills it from so many Services, nft refusing the endpoint of each. */
  const fillFrom = async (count: number) => {
    const objects = Array.from({ length: count }, (_, i) => [
      service({ name: `s${i}`, clusterIps: [`10.96.0.${i}`] }),
      slice([ready(`10.66.0.${i}`)], { name: `s${i}`, serviceName: `s${i}` }),
    ]).flat();
    const { model, log } = newModel(objects);
    const { nft, documents } = recordingNft({
      apply: async (json) => {
        if (json.includes('"10.66.0.')) throw new NftError('refused', 'no');
      },
    });
    await replaceTable(model, nft, [], log, INITIAL_SYNC_DONE);
    return documents.at(-1) ?? '';
  };

  test('is filled without 16 elements that nft refuses, and comes into force', async () => {
    assert.match(await fillFrom(16), /nat-prerouting/);
  });

  test('is given up where nft refuses more than that', async () => {
    await assert.rejects(fillFrom(17), NftError);
  });
});

suite('what is in use while a table is read', () => {
  test('stays until the reading is done, also where it depends on what is found', async () => {
    const { model, drain } = modelFor([service({ affinitySeconds: 60 }), slice([ready('10.0.0.1')])]);
    drain();
    const isRead = Promise.withResolvers<void>();
    const { nft } = recordingNft({
      listText: async (onLine) => {
        await isRead.promise;
        for (const line of ['table ip kube-proxy-nft {', '}']) onLine(line);
      },
    });
    const reading = readDuringInitialSync(model, nft, 'kube-proxy-nft', INITIAL_SYNC_DONE);
    await setImmediate();
    assert.equal(model.frontendsOf('default/web').length, 1);
    isRead.resolve();
    await reading;
  });
});
