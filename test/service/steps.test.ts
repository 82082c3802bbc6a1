import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { atOnce, eachInSteps, endsStep, ITEMS_OF_STEP, mapInSteps } from '../../src/service/steps.ts';
import { countSteps } from '../builders/count-steps.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

suite('work in steps', () => {
  test('goes through thousands of items in each, all of them once and in their order', () => {
    const seen: number[] = [];
    const { count } = countSteps(eachInSteps(numbers(3 * ITEMS_OF_STEP - 1), (item) => seen.push(item)));
    assert.equal(count, 3);
    assert.deepEqual(seen, numbers(3 * ITEMS_OF_STEP - 1));
  });

  test('keeps what an action gives, zero and the empty text too, and leaves out what it does not', () => {
    const made = atOnce(mapInSteps([0, 1, 2, 3], (item) => (item === 2 ? undefined : item)));
    assert.deepEqual(made, [0, 1, 3]);
    assert.deepEqual(atOnce(mapInSteps(['', 'a'], (item) => item)), ['', 'a']);
  });

  test('ends a step at every so many places of a list', () => {
    assert.deepEqual(numbers(2 * ITEMS_OF_STEP + 1).filter(endsStep), [ITEMS_OF_STEP - 1, 2 * ITEMS_OF_STEP - 1]);
  });

  test('at once gives its result, however many steps it takes', () => {
    function* steps() {
      yield;
      yield;
      return 'done';
    }
    assert.equal(atOnce(steps()), 'done');
  });
});
