import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { changeDocument, elementOperations } from '../../scripts/bench/change-document.ts';
import { Slots } from '../../scripts/bench/slots.ts';

suite('changeDocument', () => {
  const five = ['10.128.0.0', '10.128.0.1', '10.128.0.2', '10.128.0.3', '10.128.0.4'];
  const commands = (before: readonly string[], after: readonly string[]) => {
    const json = changeDocument('10.96.0.1', 'namespace-1/service-1:http', before, after);
    return { commands: JSON.parse(json).nftables, operations: elementOperations(json) };
  };

  test('an endpoint more is one element at the end', () => {
    assert.deepEqual(commands(five, [...five, '10.128.1.0']), {
      commands: [
        {
          add: {
            element: {
              family: 'ip',
              table: 'kube-proxy-nft',
              name: 'endpoints-tcp',
              elem: [
                [
                  { elem: { val: { concat: ['10.96.0.1', 80, 5] }, comment: 'namespace-1/service-1:http' } },
                  { concat: ['10.128.1.0', 8080] },
                ],
              ],
            },
          },
        },
      ],
      operations: 1,
    });
  });

  test('an endpoint that goes makes room for the last one', () => {
    const slots = new Slots([...five, '10.128.1.0']);
    const before = [...slots.addresses];
    slots.remove(1);
    assert.deepEqual(slots.addresses, ['10.128.0.0', '10.128.1.0', '10.128.0.2', '10.128.0.3', '10.128.0.4']);
    assert.equal(commands(before, slots.addresses).operations, 3);
  });

  test('the last endpoint is one element to delete', () => {
    assert.equal(commands([...five, '10.128.1.0'], five).operations, 1);
  });

  test('across a power of two the verdict moves', () => {
    const { commands: sent, operations } = commands(five, five.slice(0, 4));
    assert.equal(operations, 3);
    assert.match(JSON.stringify(sent), /"goto":\{"target":"pick-tcp-4"\}/);
  });
});

test('Slots: there is nothing to remove where no endpoint is', () => {
  assert.throws(() => new Slots(['10.128.0.0']).remove(1), /no endpoint in slot 1/);
});
