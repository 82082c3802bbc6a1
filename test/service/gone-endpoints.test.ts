import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { frontendsOf } from '../../src/service/frontend.ts';
import { goneFrontendsOf, hasAddress, leftAddresses } from '../../src/service/gone-endpoints.ts';
import { resetsGone } from '../../src/service/reset-option.ts';
import { HERE, notReady, ready, service, servingTerminating, slice, slicePort } from '../builders/objects.ts';

const HTTP = [{ name: 'http', port: 8080 }];

suite('addresses that a slice had', () => {
  const before = slice([ready('10.0.0.1'), notReady('10.0.0.2'), servingTerminating('10.0.0.3')]);

  test('have left when the slice has them no more, or is no more, or is another Service’s', () => {
    const all = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    assert.deepEqual(
      [...leftAddresses(before, undefined)],
      all.map((address) => [address, HTTP]),
    );
    assert.deepEqual([...leftAddresses(before, slice([ready('10.0.0.2')])).keys()], ['10.0.0.1', '10.0.0.3']);
    assert.deepEqual([...leftAddresses(before, { ...before, serviceName: 'other' }).keys()], all);
  });

  test('have not while it has them, in whatever condition, on whatever port', () => {
    const ends = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => notReady(address));
    assert.equal(leftAddresses(before, slice(ends, { ports: [slicePort({ port: 9090 })] })).size, 0);
    assert.equal(leftAddresses(before, { ...before, triggeredAt: 1 }).size, 0);
  });

  test('are nothing without TCP', () => {
    const udp = slice([ready('10.0.0.1')], { ports: [slicePort({ protocol: 'udp' })] });
    assert.equal(leftAddresses(udp, undefined).size, 0);
  });

  test('are known by address alone', () => {
    assert.ok(hasAddress([slice([]), before], '10.0.0.2'));
    assert.ok(!hasAddress([slice([]), before], '10.0.0.4'));
  });
});

suite('frontends of endpoints that are gone', () => {
  const web = service({
    ports: [
      { name: 'http', protocol: 'tcp', port: 80, nodePort: 30_080 },
      { name: 'admin', protocol: 'tcp', port: 81 },
      { name: 'dns', protocol: 'udp', port: 80, nodePort: 30_080 },
    ],
    externalIps: ['203.0.113.1'],
  });
  const frontends = frontendsOf(web, [], 'ip', HERE);

  test('are those of the ports that led there, over TCP', () => {
    const gone = new Map([
      ['10.0.0.1', HTTP],
      ['10.0.0.2', [...HTTP, { name: 'http', port: 9090 }, { name: 'nobody', port: 1 }]],
    ]);
    const found = goneFrontendsOf('default/web', web, frontends, gone);
    assert.deepEqual(
      found.map(({ address, port }) => `${address} ${port}`),
      ['10.96.0.10 80', '203.0.113.1 80', ' 30080'],
    );
    for (const { gone, service } of found) {
      assert.deepEqual([...gone], ['10.0.0.1 8080', '10.0.0.2 8080', '10.0.0.2 9090']);
      assert.equal(service, 'default/web');
    }
  });

  test('are none where none is gone', () => {
    assert.deepEqual(goneFrontendsOf('default/web', web, frontends, new Map()), []);
  });
});

test('a Service’s annotation counts more than the flag', () => {
  for (const forAll of [true, false]) {
    assert.equal(resetsGone(service(), forAll), forAll);
    assert.equal(resetsGone(undefined, forAll), false);
    for (const resetGoneEndpoints of [true, false])
      assert.equal(resetsGone(service({ options: { resetGoneEndpoints } }), forAll), resetGoneEndpoints);
  }
});
