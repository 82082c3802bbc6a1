import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointReplacements } from '../../scripts/bench/endpoint-replacements.ts';
import { podAddresses } from '../../scripts/bench/synthetic-cluster.ts';

const SIZE = { services: 100, endpoints: 3 };

test('EndpointReplacements: each change is one new address in place of one old one', () => {
  const replacements = new EndpointReplacements(SIZE);
  const seen = new Set(Array.from({ length: SIZE.services }, (_, n) => podAddresses(n, SIZE)).flat());
  for (let i = 0; i < 3 * SIZE.services; i++) {
    const before = Array.from({ length: SIZE.services }, (_, n) => replacements.endpointsOf(n));
    const { service, addresses, fresh } = replacements.next();
    assert.deepEqual(replacements.endpointsOf(service), addresses);
    assert.equal(addresses.length, SIZE.endpoints);
    assert.deepEqual(
      addresses.filter((address) => !before[service]?.includes(address)),
      [fresh],
    );
    assert.ok(!seen.has(fresh));
    seen.add(fresh);
  }
});

test('EndpointReplacements: every Service has its turn before one has a second', () => {
  const replacements = new EndpointReplacements(SIZE);
  const services = Array.from({ length: SIZE.services }, () => replacements.next().service);
  assert.equal(new Set(services).size, SIZE.services);
});
