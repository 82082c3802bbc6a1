import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeObject } from '../../src/objects/decode.ts';

suite('a Node', () => {
  test('keeps its addresses: internal before external, canonical, no names', () => {
    const addresses = [
      { type: 'ExternalIP', address: '203.0.113.7' },
      { type: 'Hostname', address: 'node-a' },
      { type: 'InternalIP', address: 'FD00::0007' },
      { type: 'InternalIP', address: 'not an address' },
      { type: 'InternalIP', address: '192.0.2.7' },
    ];
    assert.deepEqual(
      decodeObject('Node', {
        metadata: { name: 'node-a', labels: { 'topology.kubernetes.io/zone': 'z' } },
        spec: { podCIDRs: ['10.1.2.0/24', 'x'] },
        status: { addresses },
      }),
      {
        key: 'node-a',
        object: {
          kind: 'Node',
          name: 'node-a',
          addresses: ['fd00::7', '192.0.2.7', '203.0.113.7'],
          zone: 'z',
          podCidrs: ['10.1.2.0/24'],
          eligible: true,
        },
      },
    );
  });

  test('may have no status yet', () => {
    const { object } = decodeObject('Node', { metadata: { name: 'node-a' } });
    assert.deepEqual(object, { kind: 'Node', name: 'node-a', addresses: [], zone: '', podCidrs: [], eligible: true });
  });

  test('is no target for load balancers while it is deleted, or about to be removed by the autoscaler', () => {
    for (const [changes, eligible] of [
      [{ metadata: { name: 'n', deletionTimestamp: '2026-01-01T00:00:00Z' } }, false],
      [{ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } }, false],
      [{ spec: { taints: [{ key: 'node.kubernetes.io/unschedulable' }] } }, true],
      [{ spec: { taints: null } }, true],
    ] as const) {
      const { object } = decodeObject('Node', { metadata: { name: 'n' }, ...changes });
      assert.equal(object?.kind === 'Node' && object.eligible, eligible, JSON.stringify(changes));
    }
  });

  test('that is invalid is named without a namespace', () => {
    const result = decodeObject('Node', { metadata: { name: 'node-a' }, status: { addresses: 'x' } });
    assert.equal(result.key, 'node-a');
    assert.match(result.object === undefined ? result.problem : '', /^Node node-a: status\.addresses: /);
  });

  test('is not Ready where its condition Ready is False or Unknown, and only then', () => {
    const condition = (status: unknown) => [
      { type: 'MemoryPressure', status: 'Unknown' },
      { type: 'Ready', status },
    ];
    for (const [conditions, unready] of [
      [condition('True'), undefined],
      [condition('False'), true],
      [condition('Unknown'), true],
      [condition('Perhaps'), undefined],
      [condition({ toString: 1 }), undefined],
      [[null, 7, { type: 'MemoryPressure', status: 'Unknown' }], undefined],
      ['Unknown', undefined],
      [undefined, undefined],
    ] as const) {
      const { object } = decodeObject('Node', { metadata: { name: 'node-a' }, status: { conditions } });
      assert.ok(object?.kind === 'Node');
      assert.equal(object.unready, unready, JSON.stringify(conditions));
    }
  });
});
