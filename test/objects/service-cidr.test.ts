import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeObject } from '../../src/objects/decode.ts';

const decode = (spec: unknown, metadata: object = { name: 'kubernetes' }) =>
  decodeObject('ServiceCIDR', { metadata, spec });

const problemOf = (spec: unknown) => {
  const result = decode(spec);
  assert.equal(result.key, 'kubernetes');
  return result.object === undefined ? result.problem : '';
};

suite('a ServiceCIDR', () => {
  test('keeps its networks: canonical, of both families', () => {
    assert.deepEqual(decode({ cidrs: ['10.96.7.1/12', 'FD00:0096::/112'] }), {
      key: 'kubernetes',
      object: { kind: 'ServiceCIDR', name: 'kubernetes', cidrs: ['10.96.0.0/12', 'fd00:96::/112'] },
    });
  });

  test('that is being deleted still counts', () => {
    const { object } = decode(
      { cidrs: ['10.96.0.0/16'] },
      {
        name: 'more',
        deletionTimestamp: '2026-01-01T00:00:00Z',
        finalizers: ['networking.k8s.io/service-cidr-finalizer'],
      },
    );
    assert.deepEqual(object, { kind: 'ServiceCIDR', name: 'more', cidrs: ['10.96.0.0/16'] });
  });

  test('may have no networks', () => {
    for (const spec of [{ cidrs: null }, { cidrs: [] }, {}])
      assert.deepEqual(decode(spec).object, { kind: 'ServiceCIDR', name: 'kubernetes', cidrs: [] });
  });

  test('is in no namespace', () => {
    assert.equal(decode({ cidrs: [] }, { name: 'kubernetes', namespace: 'default' }).key, 'kubernetes');
  });

  test('with a network that is none is invalid', () => {
    for (const cidr of ['10.96.0.0', '10.96.0.0/33', '010.96.0.0/12', 'fd00::/129', 'x']) {
      assert.equal(
        problemOf({ cidrs: ['10.96.0.0/12', cidr] }),
        'ServiceCIDR kubernetes: spec.cidrs[1]: must be a CIDR such as 10.96.0.0/12',
      );
    }
    assert.match(problemOf({ cidrs: '10.96.0.0/12' }), /^ServiceCIDR kubernetes: spec\.cidrs: /);
    assert.match(problemOf(undefined), /^ServiceCIDR kubernetes: spec: /);
  });

  test('whose network holds the node itself is invalid: all of its connections would be dropped', () => {
    for (const cidr of ['0.0.0.0/0', '127.0.0.0/8', '::/0', '::1/128'])
      assert.match(problemOf({ cidrs: [cidr] }), /must not contain the loopback address$/);
  });
});
