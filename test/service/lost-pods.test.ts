import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lostPodTester, withoutLost } from '../../src/service/lost-pods.ts';
import { NODE_NAME, node, ready, slice } from '../builders/objects.ts';

const NODE = node({ addresses: ['192.0.2.1', '2001:db8::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] });

suite('after a reboot of its node an endpoint', () => {
  const cases: readonly [title: string, address: string, nodeName: string, isLost: boolean][] = [
    ['in the node’s pod network is lost', '10.244.1.5', NODE_NAME, true],
    ['in it is lost whatever its node is said to be', '10.244.1.5', '', true],
    ['in the IPv6 one is lost', 'fd00:1::5', NODE_NAME, true],
    ['of this node in another network is lost', '10.99.0.5', NODE_NAME, true],
    ['at the node’s own address is there', '192.0.2.1', NODE_NAME, false],
    ['at its IPv6 address is there', '2001:db8::1', NODE_NAME, false],
    ['of another node is there', '10.244.2.5', 'node-b', false],
    ['of no node, elsewhere, is there', '203.0.113.5', '', false],
  ];
  for (const [title, address, nodeName, isLost] of cases) {
    test(title, () => assert.equal(lostPodTester(NODE_NAME, NODE)(ready(address, { nodeName })), isLost));
  }

  test('of this node is lost where its Node is not known', () => {
    const isLost = lostPodTester(NODE_NAME, undefined);
    assert.equal(isLost(ready('10.244.1.5', { nodeName: NODE_NAME })), true);
    assert.equal(isLost(ready('10.244.1.5')), false);
  });
});

test('a slice without lost endpoints is itself', () => {
  const isLost = lostPodTester(NODE_NAME, NODE);
  const whole = slice([ready('10.244.2.5')]);
  assert.equal(withoutLost(whole, isLost), whole);
  assert.deepEqual(withoutLost(slice([ready('10.244.1.5'), ready('10.244.2.5')]), isLost), whole);
});
