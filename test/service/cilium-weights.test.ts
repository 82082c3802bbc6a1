import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SliceOptions } from '../../src/objects/slice-options.ts';
import { withCiliumWeights } from '../../src/service/cilium-weights.ts';
import { frontendsOf } from '../../src/service/frontend.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';

const weightsOf = (...options: readonly (SliceOptions | undefined)[]) =>
  withCiliumWeights(
    options.map((one, i) => slice([ready('10.0.0.1')], { name: `web-${i}`, ...(one && { options: one }) })),
  ).map((one) => one.options?.weight);

suite('the weights of Cilium’s annotation', () => {
  test('count, with 100 for a slice that has none', () => {
    assert.deepEqual(weightsOf({ ciliumWeight: 10 }, { ciliumWeight: 0 }, undefined), [10, 0, 100]);
  });

  test('count for nothing where a slice of the Service has ours', () => {
    assert.deepEqual(weightsOf({ ciliumWeight: 10 }, { weight: 3 }, undefined), [undefined, 3, undefined]);
  });

  test('are none where no slice has any', () => {
    const slices = [slice([ready('10.0.0.1')])];
    assert.equal(withCiliumWeights(slices), slices);
  });

  test('are used with the flag alone', () => {
    const slices = [10, 90].map((ciliumWeight, i) =>
      slice([ready(`10.0.0.${i}`)], { name: `web-${i}`, options: { ciliumWeight } }),
    );
    const weights = (readsCilium: boolean) =>
      frontendsOf(service(), slices, 'ip', { nodeName: NODE_NAME, node: undefined, readsCilium })[0]?.endpoints.map(
        ({ weight = 1 }) => weight,
      );
    assert.deepEqual(
      [weights(true), weights(false)],
      [
        [1, 9],
        [1, 1],
      ],
    );
  });
});
