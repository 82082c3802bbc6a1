import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeObject } from '../../src/objects/decode.ts';
import { annotationsOf, LB_ALGORITHMS, optionNames, readServiceOptions } from '../../src/objects/service-options.ts';

const raw = (annotations: unknown) => ({
  metadata: { name: 'web', annotations },
  spec: { clusterIP: '10.96.0.80', ports: [{ port: 80 }] },
});

suite('annotations of ours', () => {
  test('are nothing that other Services have', () => {
    for (const annotations of [undefined, null, {}, { 'example.com/x': 'y', 'kube-proxy-nft': 'z', number: 1 }]) {
      const { object } = decodeObject('Service', raw(annotations));
      assert.ok(object?.kind === 'Service' && !('options' in object), JSON.stringify(annotations));
    }
  });

  test('that nobody knows, or that are no strings, count for nothing, and are named', () => {
    const { object } = decodeObject('Service', raw({ 'kube-proxy-nft/colour': 'red', 'kube-proxy-nft/size': 1 }));
    assert.ok(object?.kind === 'Service');
    assert.deepEqual(object.options, {
      problems: [
        'kube-proxy-nft/colour: "red": there is no such annotation',
        'kube-proxy-nft/size: "1": there is no such annotation',
      ],
    });
    assert.deepEqual(annotationsOf(object.options), {});
  });

  test('reset-gone-endpoints is true or false', () => {
    for (const [value, resetGoneEndpoints] of [
      ['true', true],
      ['false', false],
    ] as const) {
      const options = readServiceOptions({ 'kube-proxy-nft/reset-gone-endpoints': value });
      assert.deepEqual(options, { resetGoneEndpoints });
      assert.deepEqual(annotationsOf(options ?? {}), { 'kube-proxy-nft/reset-gone-endpoints': value });
    }
    const { resetGoneEndpoints, problems } =
      readServiceOptions({ 'kube-proxy-nft/reset-gone-endpoints': 'True' }) ?? {};
    assert.equal(resetGoneEndpoints, undefined);
    assert.deepEqual(problems, ['kube-proxy-nft/reset-gone-endpoints: "True": must be "true" or "false"']);
  });

  test('say whether source ranges hold for node ports', () => {
    const read = (value: string) => readServiceOptions({ 'kube-proxy-nft/source-ranges-on-node-ports': value });
    assert.deepEqual(read('true'), { sourceRangesOnNodePorts: true });
    assert.deepEqual(read('false'), { sourceRangesOnNodePorts: false });
    for (const wrong of ['', 'yes', 'True', ' true']) {
      const problem = `kube-proxy-nft/source-ranges-on-node-ports: "${wrong}": must be "true" or "false"`;
      assert.deepEqual(read(wrong), { problems: [problem] });
    }
  });

  test('say in how many seconds an endpoint comes to its full share', () => {
    for (const [value, slowStartSeconds] of [
      ['30s', 30],
      ['1s', 1],
      ['2m', 120],
      ['1h', 3600],
    ] as const) {
      assert.deepEqual(readServiceOptions({ 'kube-proxy-nft/slow-start': value }), { slowStartSeconds });
      const written = annotationsOf({ slowStartSeconds });
      assert.deepEqual(readServiceOptions(written), { slowStartSeconds });
    }
    for (const value of ['', '30', '0s', '61m', '2h', '1.5s', '1m30s', '-3s', '99999999s']) {
      assert.deepEqual(readServiceOptions({ 'kube-proxy-nft/slow-start': value }), {
        problems: [
          `kube-proxy-nft/slow-start: "${value}": must be a whole number of seconds, minutes or hours, from 1s to 1h, such as 30s`,
        ],
      });
    }
  });

  test('lb-algorithm says how a connection gets its endpoint', () => {
    const read = (value: string) => readServiceOptions({ 'kube-proxy-nft/lb-algorithm': value });
    for (const lbAlgorithm of LB_ALGORITHMS) {
      const options = read(lbAlgorithm);
      assert.deepEqual(options, { lbAlgorithm });
      assert.deepEqual(readServiceOptions(annotationsOf(options ?? {})), options);
    }
    assert.deepEqual(read('round-robin'), {
      problems: ['kube-proxy-nft/lb-algorithm: "round-robin": must be one of random, client-hash, connection-hash'],
    });
  });

  test('of Cilium are kept beside ours, for where they count', () => {
    const cilium = { 'service.cilium.io/lb-algorithm': 'maglev' };
    assert.deepEqual(readServiceOptions(cilium), { ciliumLbAlgorithm: 'maglev' });
    assert.deepEqual(annotationsOf({ ciliumLbAlgorithm: 'maglev' }), cilium);
    const both = { ...cilium, 'kube-proxy-nft/lb-algorithm': 'random' };
    assert.deepEqual(readServiceOptions(both), { ciliumLbAlgorithm: 'maglev', lbAlgorithm: 'random' });
    assert.equal(readServiceOptions({ 'service.cilium.io/global': 'true' }), undefined);
  });

  test('of Cilium with a wrong value count for nothing, which is kept for where they would count', () => {
    for (const value of ['magle', '', 'Maglev', 'x'.repeat(1000)]) {
      const options = readServiceOptions({ 'service.cilium.io/lb-algorithm': value }) ?? {};
      const named = value.slice(0, 60);
      assert.deepEqual(options, {
        ciliumProblem: `service.cilium.io/lb-algorithm: "${named}": must be one of random, maglev`,
      });
      assert.deepEqual(annotationsOf(options), {});
      assert.deepEqual(optionNames(options, true), []);
    }
  });

  test('zone-spill-over is a percentage', () => {
    for (const [value, zoneSpillOver] of [
      ['1%', 1],
      ['30%', 30],
      ['100%', 100],
    ] as const) {
      const options = readServiceOptions({ 'kube-proxy-nft/zone-spill-over': value });
      assert.deepEqual(options, { zoneSpillOver });
      assert.deepEqual(annotationsOf(options ?? {}), { 'kube-proxy-nft/zone-spill-over': value });
    }
    for (const value of ['', '0%', '30', '030%', '101%', '1e1%', '-5%', '5.5%', ' 5%', '30%\n']) {
      const { zoneSpillOver, problems = [] } = readServiceOptions({ 'kube-proxy-nft/zone-spill-over': value }) ?? {};
      assert.equal(zoneSpillOver, undefined);
      assert.match(problems.join(), /must be a percentage from "1%" to "100%"$/);
    }
  });

  test('limit is a number of connections in a second, max-connections one of open ones', () => {
    const read = (name: string, value: string) => readServiceOptions({ [`kube-proxy-nft/${name}`]: value }) ?? {};
    assert.deepEqual(read('limit', '100/s'), { limitPerSecond: 100 });
    assert.deepEqual(read('limit', '100000/s'), { limitPerSecond: 100_000 });
    for (const wrong of ['', '100', '0/s', '-1/s', '100001/s', '1/min', '1.5/s', ' 1/s', '1/s ']) {
      const { problems = [] } = read('limit', wrong);
      assert.match(problems.join(), /: must be a number from 1 to 100000 and "\/s", as in "100\/s"$/, wrong);
    }
    assert.deepEqual(read('max-connections', '1'), { maxConnections: 1 });
    assert.deepEqual(read('max-connections', '1000'), { maxConnections: 1_000 });
    for (const wrong of ['', '0', '1001', '1e2', '0x10', '5/s']) {
      const { problems = [] } = read('max-connections', wrong);
      assert.match(problems.join(), /: must be a number from 1 to 1000$/, wrong);
    }
  });

  test('are counted by name, and by value where that is one of a few', () => {
    const options = { limitPerSecond: 5, resetGoneEndpoints: false, lbAlgorithm: 'client-hash' } as const;
    const names = ['reset-gone-endpoints=false', 'lb-algorithm=client-hash', 'limit'];
    assert.deepEqual(optionNames({ ...options, ciliumLbAlgorithm: 'maglev', problems: ['x'] }, true), names);
    const cilium = { ciliumLbAlgorithm: 'maglev' } as const;
    assert.deepEqual(optionNames(cilium, true), ['service.cilium.io/lb-algorithm=maglev']);
    assert.deepEqual(optionNames(cilium, false), []);
  });

  test('however many and long, take little', () => {
    const many = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`kube-proxy-nft/${i}`, 'x'.repeat(1000)]),
    );
    const { problems = [] } = readServiceOptions(many) ?? {};
    assert.ok(problems.length === 5 && problems.join().length < 1000);
  });
});
