import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { firstSilence, hear, patienceLeft } from '../../src/saved-state/outage.ts';

/** What was heard: milliseconds, and the status; none: no answer. */
type Story = readonly (readonly [at: number, status?: number])[];

/** Milliseconds from 10,000 on until the API server counts as out of reach; the requests began at 0. */
function leftAfter(story: Story): number | undefined {
  const outage = story.reduce((known, [at, status]) => hear(known, { status, at }), firstSilence(0));
  return patienceLeft(outage, 10_000);
}

suite('an API server is out of reach', () => {
  const cases: readonly [title: string, story: Story, left: number | undefined][] = [
    ['if nothing is heard of it for 3 s', [], 0],
    ['however often it does not answer', [[100], [900], [9_900]], 0],
    [
      'if it fails',
      [
        [100, 500],
        [9_900, 503],
      ],
      0,
    ],
    ['if it is overloaded', [[100, 429]], 0],
    ['3 s after it broke off', [[100, 200], [8_500]], 1_500],
    ['3 s after it broke off, and not after each attempt', [[100, 200], [8_500], [9_500, 502]], 1_500],
    ['not while it answers', [[100], [9_900, 200]], undefined],
    ['not if it answers something else', [[100], [9_900, 404]], undefined],
    ['not if it does not know us', [[100, 401]], undefined],
    ['not if it forbids it', [[100, 403]], undefined],
    ['not if it did so once, whatever comes then', [[100, 401], [200], [300, 503]], undefined],
    [
      'not if it did so once, even if it gives it then',
      [
        [100, 403],
        [200, 200],
        [300, 503],
      ],
      undefined,
    ],
  ];
  for (const [title, story, left] of cases) {
    test(title, () => assert.equal(leftAfter(story), left));
  }
});
