import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { WeightLimit } from '../../src/sync/weight-limit.ts';

suite('what a transaction may weigh', () => {
  test('falls at once where transactions take long, and rises by and by where they do not', () => {
    const limit = new WeightLimit();
    assert.equal(limit.value, 5000);
    limit.took(1000, 5000);
    assert.equal(limit.value, 1000);
    limit.took(50, 1000);
    assert.equal(limit.value, 1250);
    for (let n = 0; n < 10; n++) limit.took(50, limit.value);
    assert.equal(limit.value, 5000);
  });

  test('never falls so far that nothing is done, whatever happens', () => {
    const limit = new WeightLimit();
    for (let n = 0; n < 3; n++) limit.took(60_000, limit.value);
    assert.equal(limit.value, 500);
  });

  test('does not follow small transactions, which take as long as a process', () => {
    const limit = new WeightLimit();
    limit.took(300, 5);
    assert.equal(limit.value, 5000);
  });
});
