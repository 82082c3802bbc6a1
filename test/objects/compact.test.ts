import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { joined, packed, sharedName } from '../../src/objects/compact.ts';
import { decodeObject } from '../../src/objects/decode.ts';
import { rawService } from '../builders/raw-objects.ts';

suite('packed', () => {
  test('gives the same items in another array', () => {
    const items = ['a', 'b'];
    const result = packed(items);
    assert.deepEqual(result, ['a', 'b']);
    items.push('c');
    assert.deepEqual(result, ['a', 'b']);
  });

  test('gives one array for all empty ones', () => {
    assert.deepEqual(packed([]), []);
    assert.equal(packed([]), packed([]));
  });
});

suite('sharedName', () => {
  test('gives equal text', () => {
    assert.equal(sharedName('node-1'), 'node-1');
    assert.equal(sharedName(['node', 1].join('-')), 'node-1');
  });

  test('goes on giving equal text past the number of names it remembers', () => {
    for (let n = 0; n < 50_000; n++) assert.equal(sharedName(`node-${n}`), `node-${n}`);
    assert.equal(sharedName('node-1'), 'node-1');
  });
});

test('joined puts the separator between the parts', () => {
  assert.equal(joined(' . ', '10.96.0.1', 'tcp', 80), '10.96.0.1 . tcp . 80');
  assert.equal(joined('/', 'a'), 'a');
});

test('the empty lists of a Service are empty', () => {
  const { object } = decodeObject('Service', rawService('web', '10.96.0.10'));
  assert.ok(object?.kind === 'Service');
  for (const list of [object.externalIps, object.loadBalancerIps, object.sourceRanges]) assert.deepEqual(list, []);
});
