import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionLimit } from '../../src/localhost/connection-limit.ts';

test('a room gives what it has, and tells that it is full once until half of it is free again', () => {
  let told = 0;
  const limit = new ConnectionLimit(4, () => told++);
  const take = (times: number) => Array.from({ length: times }, () => limit.take());
  assert.deepEqual(take(6), [true, true, true, true, false, false]);
  assert.equal(told, 1);
  limit.release();
  assert.deepEqual(take(2), [true, false]);
  assert.equal(told, 1);
  limit.release();
  limit.release();
  assert.deepEqual(take(3), [true, true, false]);
  assert.equal(told, 2);
});
