import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NftError, type NftFailure } from '../../src/nft/run.ts';
import { send, type Target } from '../../src/sync/sender.ts';

/** Sends two documents to an nft that fails with the given one; returns how, and how many came. */
async function outcomeOf(failing: string, failure: NftFailure) {
  const sent: string[] = [];
  const nft = {
    apply: async (json: string) => {
      sent.push(json);
      if (json === failing) throw new NftError(failure, 'as nft says');
    },
  };
  const documents = ['first', 'second'];
  try {
    await send(
      { nft } as unknown as Target,
      {
        transaction: { deletes: [], adds: [] },
        isCleanup: false,
        documents,
      } as Parameters<typeof send>[1],
    );
    return { sent, failure: undefined };
  } catch (error) {
    assert.ok(error instanceof NftError);
    assert.equal(error.message, 'as nft says');
    return { sent, failure: error.failure };
  }
}

suite('a transaction in two parts', () => {
  test('is sent in their order', async () => {
    assert.deepEqual(await outcomeOf('none', 'refused'), { sent: ['first', 'second'], failure: undefined });
  });

  test('has changed nothing if the first is refused', async () => {
    assert.deepEqual(await outcomeOf('first', 'refused'), { sent: ['first'], failure: 'refused' });
  });

  for (const failure of ['refused', 'not-found'] as const) {
    test(`has an outcome that is not known if the second fails: ${failure}`, async () => {
      assert.equal((await outcomeOf('second', failure)).failure, 'unknown-outcome');
    });
  }

  test('fails as it does where that says enough', async () => {
    assert.equal((await outcomeOf('second', 'not-started')).failure, 'not-started');
  });
});
