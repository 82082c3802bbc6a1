import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeObject } from '../../src/objects/decode.ts';
import { encodeObject } from '../../src/objects/encode.ts';

function optionsOf(annotations: object) {
  const labels = { 'kubernetes.io/service-name': 'web' };
  const raw = { metadata: { name: 'web-1', labels, annotations }, addressType: 'IPv4', endpoints: [], ports: [] };
  const { object } = decodeObject('EndpointSlice', raw);
  assert.ok(object?.kind === 'EndpointSlice');
  assert.deepEqual(decodeObject('EndpointSlice', encodeObject(object)).object?.kind, 'EndpointSlice');
  return 'options' in object ? object.options : 'none';
}

suite('the weight of a slice', () => {
  test('is a whole number up to 100', () => {
    for (const weight of [0, 1, 2, 10, 100])
      assert.deepEqual(optionsOf({ 'kube-proxy-nft/weight': `${weight}` }), { weight });
  });

  test('is nothing that slices without it have', () => {
    for (const annotations of [{}, { 'example.com/weight': '3' }]) {
      assert.equal(optionsOf(annotations), 'none');
    }
  });

  test('counts for nothing where it is wrong, which is told', () => {
    for (const value of ['', '-1', '1.5', '101', '1e1', 'many', '٣', ' 3']) {
      assert.deepEqual(optionsOf({ 'kube-proxy-nft/weight': value }), {
        problem: `kube-proxy-nft/weight: "${value}": must be a whole number from 0 to 100`,
      });
    }
  });

  test('may be Cilium’s', () => {
    for (const ciliumWeight of [0, 1, 65_535]) {
      assert.deepEqual(optionsOf({ 'service.cilium.io/weight': `${ciliumWeight}` }), { ciliumWeight });
    }
    for (const value of ['', '65536', '-1', 'x', '0x1']) {
      const ciliumProblem = `service.cilium.io/weight: "${value}": must be a whole number from 0 to 65535`;
      assert.deepEqual(optionsOf({ 'service.cilium.io/weight': value }), { ciliumProblem });
      const both = { 'service.cilium.io/weight': value, 'kube-proxy-nft/weight': '1' };
      assert.deepEqual(optionsOf(both), { ciliumProblem, weight: 1 });
    }
    assert.deepEqual(optionsOf({ 'service.cilium.io/weight': '10', 'kube-proxy-nft/weight': '3' }), {
      ciliumWeight: 10,
      weight: 3,
    });
  });

  test('stands beside other annotations of ours, which slices do not have', () => {
    assert.deepEqual(optionsOf({ 'kube-proxy-nft/weight': '3', 'kube-proxy-nft/wait': '1' }), {
      problem: 'kube-proxy-nft/wait: "1": EndpointSlices have no such annotation',
      weight: 3,
    });
  });
});
