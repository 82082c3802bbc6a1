import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { HeldUdpFrontends, udpFrontendKey } from '../../src/service/held-udp-frontends.ts';

const at = (...addresses: readonly string[]) => addresses.map((address) => ({ address, port: 53 }));

suite('UDP frontends that no Service has any more', () => {
  test('are those that a Service gave up, or all when it is gone', () => {
    const held = new HeldUdpFrontends();
    assert.deepEqual(held.set('default/a', at('10.96.0.10', '203.0.113.1', '')), []);
    assert.deepEqual(held.set('default/a', at('10.96.0.10', '203.0.113.1', '')), []);
    assert.deepEqual(held.set('default/a', at('10.96.0.10', '203.0.113.2')), at('203.0.113.1', ''));
    assert.deepEqual(held.set('default/a', []), at('10.96.0.10', '203.0.113.2'));
    assert.deepEqual(held.set('default/a', []), []);
    assert.deepEqual([...held.services], []);
  });

  test('tell ports of an address apart', () => {
    const held = new HeldUdpFrontends();
    const [dns] = at('10.96.0.10');
    assert.ok(dns !== undefined);
    held.set('default/a', [dns, { ...dns, port: 514 }]);
    assert.deepEqual(held.set('default/a', [dns]), [{ ...dns, port: 514 }]);
  });

  test('do not include one that another Service has taken over, in whichever order they are told', () => {
    const held = new HeldUdpFrontends();
    held.set('default/a', at('203.0.113.1'));
    assert.deepEqual(held.set('default/b', at('203.0.113.1')), []);
    assert.deepEqual(held.set('default/a', []), []);
    assert.deepEqual(held.set('default/b', []), at('203.0.113.1'));
    held.set('default/a', at('203.0.113.1'));
    assert.deepEqual(held.set('default/a', []), at('203.0.113.1'));
    assert.deepEqual(held.set('default/b', at('203.0.113.1')), []);
    assert.deepEqual(held.set('default/b', []), at('203.0.113.1'));
  });

  test('are told again while another change of the Service is on its way', () => {
    const held = new HeldUdpFrontends();
    held.set('default/a', at('10.96.0.10', ''));
    assert.deepEqual(held.set('default/a', at('10.96.0.10'), false), at(''));
    assert.deepEqual(held.set('default/a', [], false), at('10.96.0.10', ''));
    assert.deepEqual(held.set('default/a', []), at('10.96.0.10', ''));
    assert.deepEqual(held.set('default/a', []), []);
  });

  test('are those held before and not after, however frontends pass between Services', () => {
    const frontends = at('10.96.0.10', '10.96.0.11', '203.0.113.1', '');
    const services = ['a', 'b', 'c'];
    const holders = fc.tuple(...frontends.map(() => fc.constantFrom('a', 'b', 'c', 'nobody')));
    const order = fc.shuffledSubarray(services, { minLength: services.length });
    fc.assert(
      fc.property(fc.array(fc.tuple(holders, order)), (changes) => {
        const held = new HeldUdpFrontends();
        let before: readonly string[] = [];
        for (const [now, told] of changes) {
          const of = (service: string) => frontends.filter((_, i) => now[i] === service);
          const left = told.flatMap((service) => held.set(service, of(service)).map(udpFrontendKey));
          const after = services.flatMap(of).map(udpFrontendKey);
          const gone = (keys: readonly string[]) => keys.filter((key) => !after.includes(key)).sort();
          assert.deepEqual(gone(left), gone(before));
          before = after;
        }
      }),
    );
  });
});
