import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { EndpointChoice, endpointKey } from '../../src/localhost/endpoint-choice.ts';
import type { LocalhostNodePort } from '../../src/service/localhost-node-ports.ts';

const [A, B, C] = [1, 2, 3].map((lastByte) => ({ address: `10.0.0.${lastByte}`, port: 8080 })) as [
  Endpoint,
  Endpoint,
  Endpoint,
];
type Endpoint = { address: string; port: number; weight?: number };

function nodePort(endpoints: readonly Endpoint[], affinitySeconds?: number): LocalhostNodePort {
  const affinity = affinitySeconds === undefined ? {} : { affinitySeconds };
  return { family: 'ip', port: 30080, servicePort: 'default/web:http', endpoints, ...affinity };
}

/** A choice that draws `draws` in turn, over and over, and the clock it looks at, in seconds. */
function choiceOf(used: LocalhostNodePort | undefined, draws: readonly number[] = [0.5, 0.999, 0, 0.4]) {
  const clock = { seconds: 1000 };
  let drawn = 0;
  const choice = new EndpointChoice({
    random: () => draws[drawn++ % draws.length] ?? 0,
    now: () => clock.seconds * 1000,
  });
  choice.use(used);
  const next = (...tried: Endpoint[]) => choice.next(new Set(tried.map(endpointKey)));
  return { choice, clock, next };
}

suite('without affinity', () => {
  test('each endpoint gets its share of evenly spread draws', () => {
    const draws = Array.from({ length: 300 }, (_, i) => i / 300);
    const { next } = choiceOf(nodePort([A, B, C]), draws);
    const counts = new Map<Endpoint | undefined, number>();
    for (const _ of draws) {
      const endpoint = next();
      counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
    }
    assert.deepEqual(
      [A, B, C].map((endpoint) => counts.get(endpoint)),
      [100, 100, 100],
    );
  });

  test('an endpoint gets as many of them as its weight says', () => {
    const draws = Array.from({ length: 100 }, (_, i) => i / 100);
    const { next } = choiceOf(nodePort([A, { ...B, weight: 9 }]), draws);
    const drawn = draws.map(() => next()?.address);
    assert.equal(drawn.filter((address) => address === A.address).length, 10);
    assert.equal(drawn.filter((address) => address === B.address).length, 90);
  });

  test('endpoints tried already are left out, until none is left', () => {
    const { next } = choiceOf(nodePort([A, B, C]), [0]);
    assert.deepEqual([next(), next(A), next(A, B), next(A, B, C)], [A, B, C, undefined]);
  });

  test('there is nothing to choose without a node port', () => {
    assert.equal(choiceOf(undefined).next(), undefined);
  });
});

suite('with affinity', () => {
  test('connections stay with the first one’s endpoint while the last is younger than the timeout', () => {
    const { next, clock } = choiceOf(nodePort([A, B], 60), [0.5, 0]);
    assert.equal(next(), B);
    for (let i = 0; i < 3; i++) {
      clock.seconds += 59.9;
      assert.equal(next(), B);
    }
    clock.seconds += 60;
    assert.equal(next(), A);
  });

  test('an endpoint that has gone is replaced, and the replacement kept', () => {
    const { choice, next } = choiceOf(nodePort([A, B], 60), [0.5, 0, 0.9]);
    assert.equal(next(), B);
    choice.use(nodePort([A, C], 60));
    assert.deepEqual([next(), next()], [A, A]);
  });

  test('an endpoint that takes no connections is replaced, also for others that were on their way to it', () => {
    const { next } = choiceOf(nodePort([A, B, C], 60), [0, 0.9, 0]);
    assert.deepEqual([next(), next(A), next(A), next()], [A, C, C, C]);
  });

  test('another Service on the port begins anew', () => {
    const { choice, next } = choiceOf(nodePort([A, B], 60), [0.5, 0]);
    assert.equal(next(), B);
    choice.use({ ...nodePort([A, B], 60), servicePort: 'default/other:http' });
    assert.equal(next(), A);
  });

  test('it ends when the Service gives it up', () => {
    const { choice, next } = choiceOf(nodePort([A, B], 60), [0.5, 0, 0.5]);
    assert.equal(next(), B);
    choice.use(nodePort([A, B]));
    assert.deepEqual([next(), next()], [A, B]);
  });
});
