import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hashByOf } from '../../src/service/lb-algorithm.ts';

suite('what chooses the endpoint of a connection', () => {
  test('is what the annotation says', () => {
    assert.equal(hashByOf({}), undefined);
    assert.equal(hashByOf({ options: {} }), undefined);
    assert.equal(hashByOf({ options: { lbAlgorithm: 'random' } }), undefined);
    assert.equal(hashByOf({ options: { lbAlgorithm: 'client-hash' } }), 'client');
    assert.equal(hashByOf({ options: { lbAlgorithm: 'connection-hash' } }), 'connection');
  });

  test('is the hash of a client beside session affinity, but no hash of each connection', () => {
    const affinitySeconds = 60;
    assert.equal(hashByOf({ affinitySeconds, options: { lbAlgorithm: 'client-hash' } }), 'client');
    assert.equal(hashByOf({ affinitySeconds, options: { lbAlgorithm: 'connection-hash' } }), undefined);
  });

  test('is what Cilium’s annotation says where that counts and ours is absent', () => {
    const options = { ciliumLbAlgorithm: 'maglev' } as const;
    assert.equal(hashByOf({ options }), undefined);
    assert.equal(hashByOf({ options }, true), 'connection');
    assert.equal(hashByOf({ options: { ciliumLbAlgorithm: 'random' } }, true), undefined);
    assert.equal(hashByOf({ options: { ...options, lbAlgorithm: 'random' } }, true), undefined);
    assert.equal(hashByOf({ options: { ...options, lbAlgorithm: 'client-hash' } }, true), 'client');
  });
});
