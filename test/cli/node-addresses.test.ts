import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { nodePortNetworks } from '../../src/cli/node-addresses.ts';
import type { Node } from '../../src/objects/node.ts';

const node = (...addresses: readonly string[]): Node => ({
  kind: 'Node',
  name: 'node-a',
  addresses,
  podCidrs: [],
  zone: '',
  eligible: true,
});

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
