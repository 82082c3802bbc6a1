import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { healthCheckAddresses, localAddresses, nodePortNetworks } from '../../src/daemon/node-addresses.ts';
import { node as nodeWith } from '../builders/objects.ts';

const node = (...addresses: readonly string[]) => nodeWith({ addresses });

suite('node ports on primary', () => {
  for (const [what, found, ip, ip6] of [
    ['a Node with both families', node('10.0.0.1', '10.0.0.2', 'fd00::1'), ['10.0.0.1/32'], ['fd00::1/128']],
    ['a Node with one family: the other is closed', node('10.0.0.1'), ['10.0.0.1/32'], []],
    ['a Node without addresses: closed', node(), [], []],
    ['no Node: closed', undefined, [], []],
  ] as const) {
    test(what, () => {
      assert.deepEqual(nodePortNetworks(['primary'], found, 'ip'), ip);
      assert.deepEqual(nodePortNetworks(['primary'], found, 'ip6'), ip6);
    });
  }
});

suite('health checks of Services are answered', () => {
  test('on all addresses of a family that has all node ports, in no family that is not served', () => {
    assert.deepEqual(healthCheckAddresses(['all'], undefined, ['ip', 'ip6']), ['0.0.0.0', '::']);
    assert.deepEqual(healthCheckAddresses(['all'], undefined, ['ip']), ['0.0.0.0']);
    assert.deepEqual(healthCheckAddresses(['0.0.0.0/0', 'fd00:123::/64'], undefined, ['ip', 'ip6']), ['0.0.0.0']);
    // Networks of one family leave the other open.
    assert.deepEqual(healthCheckAddresses(['198.51.100.0/24'], undefined, ['ip', 'ip6']), ['::']);
  });

  test('else on those of the node that have node ports', () => {
    const [own = ''] = localAddresses();
    const families = ['ip', 'ip6'] as const;
    assert.deepEqual(healthCheckAddresses(['primary'], node(own, '198.51.100.1'), families), [own]);
    assert.deepEqual(healthCheckAddresses(['primary'], node('198.51.100.1'), families), []);
  });
});
