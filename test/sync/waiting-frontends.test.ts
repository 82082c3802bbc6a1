import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { namespaceOf, WaitingFrontends } from '../../src/sync/waiting-frontends.ts';

suite('frontends that wait for their elements', () => {
  test('are returned once, and hold up all Services that wait for them', () => {
    const waiting = new WaitingFrontends();
    waiting.add('10.96.0.1 tcp 80', ['a/web']);
    waiting.add('10.96.0.1 tcp 80', ['a/web', 'b/api']);
    assert.equal(waiting.size, 1);
    assert.ok(waiting.isPending('a/web') && waiting.isPending('b/api'));
    const next = waiting.next() ?? assert.fail();
    assert.equal(waiting.next(), undefined);
    assert.deepEqual([...next.services], ['a/web', 'b/api']);
    assert.deepEqual(waiting.done(next), ['a/web', 'b/api']);
    assert.equal(waiting.size, 0);
    assert.ok(!waiting.isPending('a/web') && !waiting.isPending('b/api'));
  });

  test('hold up a Service until the last of them is done', () => {
    const waiting = new WaitingFrontends();
    waiting.add('10.96.0.1 tcp 80', ['a/web']);
    waiting.add('10.96.0.1 tcp 443', ['a/web']);
    assert.deepEqual(waiting.done(waiting.next() ?? assert.fail()), []);
    assert.ok(waiting.isPending('a/web'));
    assert.deepEqual(waiting.done(waiting.next() ?? assert.fail()), ['a/web']);
  });

  test('wait for another turn when part of them is done, and no more when all is', () => {
    const waiting = new WaitingFrontends();
    waiting.add('10.96.0.1 tcp 80', ['a/web']);
    const next = waiting.next() ?? assert.fail();
    waiting.putBack(next);
    assert.equal(waiting.next(), next);
    waiting.done(next);
    waiting.putBack(next);
    assert.equal(waiting.next(), undefined);
  });

  test('take turns by namespace', () => {
    const waiting = new WaitingFrontends();
    for (const port of [1, 2]) waiting.add(`10.96.0.1 tcp ${port}`, ['a/web']);
    waiting.add('10.96.0.2 tcp 3', ['b/api']);
    const ports = [1, 2, 3].map(() => waiting.next()?.key.split(' ')[2]);
    assert.deepEqual(ports, ['1', '3', '2']);
    assert.equal(namespaceOf('b/api'), 'b');
  });
});
