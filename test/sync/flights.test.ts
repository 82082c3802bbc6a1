import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SetOrMap } from '../../src/ruleset/elements/set-or-map.ts';
import type { Transaction } from '../../src/ruleset/model/transaction.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import type { Commits } from '../../src/sync/commits.ts';
import { Flights } from '../../src/sync/flights.ts';

const [SERVICES, CLUSTER_IPS] = ['services', 'cluster-ips'].map(
  (name) => buildProgram('ip', {}).setsAndMaps.find((setOrMap) => setOrMap.name === name) ?? assert.fail(name),
) as [SetOrMap, SetOrMap];

const adding = (key: string, setOrMap = SERVICES): Transaction => ({
  deletes: [],
  adds: [{ setOrMap, key, value: '', comment: '' }],
});

/** Flights whose transactions begin at once. `begin` begins one; what it returns ends it. */
function flightsOf() {
  const flights = new Flights({ during: (sent: () => Promise<void>) => sent() } as unknown as Commits);
  const begin = (transaction: Transaction) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = flights.during(transaction, () => promise);
    return async () => {
      resolve();
      await done;
    };
  };
  return { flights, begin };
}

suite('what our own transactions touch', () => {
  test('is recorded of those in flight and those that begin, not of those that have ended', async () => {
    const { flights, begin } = flightsOf();
    await begin(adding('before'))();
    const end = begin(adding('in flight'));
    const recording = flights.record();
    assert.ok(recording.touches(SERVICES, 'in flight'));
    await begin(adding('meanwhile'))();
    await end();
    assert.ok(recording.touches(SERVICES, 'meanwhile'));
    assert.ok(recording.touches(SERVICES, 'in flight'), 'though it has ended');
    assert.ok(!recording.touches(SERVICES, 'before'));
    assert.ok(!recording.touches(CLUSTER_IPS, 'meanwhile'), 'of another set');
    recording.stop();
    await begin(adding('after'))();
    assert.ok(!recording.touches(SERVICES, 'after'));
  });

  test('counts a container once it begins, and once it ends', async () => {
    const { flights, begin } = flightsOf();
    const counts = [flights.changesOf(SERVICES)];
    for (let i = 0; i < 2; i++) {
      const end = begin(adding('a'));
      counts.push(flights.changesOf(SERVICES));
      await end();
      counts.push(flights.changesOf(SERVICES));
    }
    assert.deepEqual(counts, [0, 1, 2, 3, 4]);
    assert.equal(flights.changesOf(CLUSTER_IPS), 0);
  });

  test('is told of, of the map that is named', async () => {
    const { flights, begin } = flightsOf();
    const keys: string[] = [];
    flights.onChange(SERVICES, (key) => keys.push(key));
    await begin(adding('other', CLUSTER_IPS))();
    const end = begin({ deletes: adding('gone').adds, adds: adding('new').adds });
    assert.deepEqual(keys, ['gone', 'new']);
    await end();
    assert.deepEqual(keys, ['gone', 'new', 'gone', 'new']);
  });
});
