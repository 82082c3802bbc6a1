import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compare, type Prober } from './comparison.ts';
import type { Connection } from './destinations.ts';
import type { Seen } from './probing.ts';

const connection = (port: number): Connection => ({
  client: 'outside',
  address: '10.96.0.10',
  version: 'ip4',
  port,
  protocol: 'tcp',
  service: 'web',
  by: 'cluster IP',
  isSticky: false,
});

/** Sees these answers in turn; the last of them from then on. */
function answering(...turns: readonly (readonly string[])[]): Prober {
  let turn = 0;
  return async (connections) => {
    const seen: Seen = new Set(turns[Math.min(turn++, turns.length - 1)]);
    return connections.map(() => seen);
  };
}

const run = (ours: Prober, theirs: Prober, isExplained = () => false, isUneven = () => false) => {
  let number = 0;
  const nextNumber = () => number++;
  return compare([connection(80)], { ours, theirs, nextNumber, forget: async () => {}, isExplained, isUneven });
};

describe('the comparison of two nodes', () => {
  it('probes more where chance may have shown an endpoint to one of them only', async () => {
    const compared = await run(answering(['a sees b'], ['c sees b']), answering(['c sees b'], ['a sees b']));
    assert.deepEqual(compared.different, []);
    assert.deepEqual(compared.late, []);
    assert.deepEqual(compared.answered, [connection(80)]);
  });

  it('finds what stays different', async () => {
    const { different, answered } = await run(answering(['refused']), answering(['timeout']));
    assert.deepEqual(different, [
      { connection: connection(80), ours: new Set(['refused']), theirs: new Set(['timeout']) },
    ]);
    assert.deepEqual(answered, []);
  });

  it('finds an endpoint that only one of them has', async () => {
    const { different } = await run(answering(['a sees b', 'c sees b']), answering(['a sees b']));
    assert.equal(different.length, 1);
  });

  it('takes some of the endpoints for all where they are met unevenly, and no other', async () => {
    const uneven = (ours: readonly string[]) =>
      run(
        answering(ours),
        answering(['a sees b', 'c sees b']),
        () => false,
        () => true,
      );
    assert.deepEqual((await uneven(['a sees b'])).different, []);
    for (const ours of [['d sees b'], ['a sees b', 'd sees b'], ['a sees e'], ['refused'], []]) {
      assert.equal((await uneven(ours)).different.length, 1, ours.join());
    }
  });

  it('forgets what it saw before a second look, and tells that it took one', async () => {
    const settling = answering(['timeout'], ['timeout'], ['timeout'], ['a sees b']);
    const { different, late } = await run(settling, answering(['a sees b']));
    assert.deepEqual(different, []);
    assert.deepEqual(late, [{ connection: connection(80), ours: new Set(['timeout']), theirs: new Set(['a sees b']) }]);
  });

  it('takes no second look at what is explained', async () => {
    let rounds = 0;
    const counted: Prober = async (connections) => {
      rounds++;
      return connections.map(() => new Set(['refused']));
    };
    const { different } = await run(counted, answering(['timeout']), () => true);
    assert.equal(different.length, 1);
    assert.equal(rounds, 3);
  });
});
