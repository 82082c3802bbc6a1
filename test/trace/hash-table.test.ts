import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LbAlgorithm } from '../../src/objects/service-options.ts';
import { foundFrontends } from '../../src/ruleset/model/found-frontends.ts';
import { type Frontend, frontendsOf } from '../../src/service/frontend.ts';
import { fillTable } from '../../src/service/hash-table.ts';
import { atOnce } from '../../src/service/steps.ts';
import { endpointRows, endpointTable } from '../../src/status/endpoint-rows.ts';
import { serviceRow } from '../../src/status/service-rows.ts';
import { serviceTable } from '../../src/status/service-table.ts';
import { clientHash } from '../../src/trace/client-hash.ts';
import { tracePacket } from '../../src/trace/trace-packet.ts';
import { tracedRuleset } from '../../src/trace/traced-ruleset.ts';
import { HERE, ready, service, slice } from '../builders/objects.ts';
import { rulesetFor } from '../builders/rulesets.ts';

const ADDRESSES = Array.from({ length: 5 }, (_, i) => `10.0.0.${i + 1}`);

function frontends(lbAlgorithm: LbAlgorithm): readonly Frontend[] {
  const slices = [slice(ADDRESSES.map((address) => ready(address)))];
  return frontendsOf(service({ options: { lbAlgorithm } }), slices, 'ip', HERE);
}

/** The outcomes for a client: "10.0.0.1:8080" → its probability. */
function outcomes(lbAlgorithm: LbAlgorithm, source: string, isExample: boolean): ReadonlyMap<string, number> {
  const packet = {
    source,
    isExample,
    destination: '10.96.0.10',
    port: 80,
    protocol: 'tcp',
    from: 'outside',
    own: [],
  } as const;
  const trace = tracePacket(tracedRuleset(rulesetFor(frontends(lbAlgorithm))), packet);
  return new Map(
    trace.outcomes.map((outcome) => [
      outcome.fate === 'translated' ? outcome.endpoint : outcome.fate,
      outcome.probability,
    ]),
  );
}

/** The share of each endpoint of the table. */
const SHARES = new Map<string, number>();
const TABLE = atOnce(fillTable(ADDRESSES.map((address) => ({ address, port: 8080 }))));
for (const place of TABLE) {
  const endpoint = `${ADDRESSES[place]}:8080`;
  SHARES.set(endpoint, (SHARES.get(endpoint) ?? 0) + 1 / TABLE.length);
}

suite('a trace through a table for consistent hashing', () => {
  test('names the very endpoint of a client', () => {
    for (const source of ['192.0.2.1', '192.0.2.2', '198.51.100.3']) {
      const endpoint = `${ADDRESSES[TABLE[clientHash(source, TABLE.length, 10)] ?? -1]}:8080`;
      assert.deepEqual([...outcomes('client-hash', source, false)], [[endpoint, 1]]);
    }
  });

  test('gives each endpoint its share of the table where the client stands for others, or the port is not known', () => {
    for (const found of [
      outcomes('client-hash', '192.0.2.1', true),
      outcomes('connection-hash', '192.0.2.1', false),
      outcomes('connection-hash', '192.0.2.1', true),
    ]) {
      assert.equal(found.size, SHARES.size);
      for (const [endpoint, share] of SHARES) assert.ok(Math.abs((found.get(endpoint) ?? 0) - share) < 1e-9, endpoint);
    }
  });
});

suite('a frontend with a table', () => {
  for (const algorithm of ['client-hash', 'connection-hash'] as const) {
    test(`is known by the rules alone, and named (${algorithm})`, () => {
      const [frontend = assert.fail()] = frontends(algorithm);
      const [found = assert.fail()] = foundFrontends(rulesetFor(frontends(algorithm)));
      const owners = ({ endpoints, hashing }: Frontend) =>
        Array.from(hashing?.table ?? [], (place) => endpoints[place]?.address);
      assert.deepEqual(owners(found), owners(frontend));
      assert.equal(found.hashing?.by, frontend.hashing?.by);
      assert.ok(found.endpoints.every(({ weight }) => weight === undefined));
      const row = serviceRow(frontend);
      assert.equal(row.algorithm, algorithm);
      assert.match(serviceTable([row], true), new RegExp(` ${algorithm} `));
      assert.match(endpointTable(endpointRows([row]), true), new RegExp(`10.96.0.10:80/tcp \\(${algorithm}\\)`));
    });
  }

  test('is not there without the annotation', () => {
    const [frontend = assert.fail()] = frontends('random');
    assert.ok(!('hashing' in frontend) && !('algorithm' in serviceRow(frontend)));
  });
});
