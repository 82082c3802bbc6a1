import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SharedRendering } from '../../src/metrics/shared-rendering.ts';

/** A rendering of the number of renderings, at a time that the test sets. */
function sharedRendering() {
  const state = { renderings: 0, fails: false, now: 0 };
  const render = async () => {
    if (state.fails) throw new Error('no metrics');
    return `renderings ${++state.renderings}`;
  };
  const shared = new SharedRendering({ render }, () => state.now);
  return { state, text: async () => Buffer.from(await shared.bytes()).toString() };
}

suite('a shared rendering', () => {
  test('is given to requests within 25 ms, and a new one after that', async () => {
    const { state, text } = sharedRendering();
    const texts: string[] = [];
    for (state.now of [1000, 1010, 1024.9, 1025, 1049]) texts.push(await text());
    assert.deepEqual(texts, ['renderings 1', 'renderings 1', 'renderings 1', 'renderings 2', 'renderings 2']);
  });

  test('is not kept if it failed', async () => {
    const { state, text } = sharedRendering();
    state.fails = true;
    await assert.rejects(text(), { message: 'no metrics' });
    state.fails = false;
    assert.equal(await text(), 'renderings 1');
  });
});
