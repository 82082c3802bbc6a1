import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ClusterWatch } from '../../../src/daemon/watches/cluster-watch.ts';
import type { KubeObject } from '../../../src/objects/decode.ts';
import { clusterWith } from '../../builders/models.ts';
import { ready, service, slice, slicePort } from '../../builders/objects.ts';
import { recordingLog } from '../../builders/recording-log.ts';
import { FakeClock } from '../../sync/fake-clock.ts';

/** A watch over a cluster that is known as a whole. */
function watching(...objects: readonly KubeObject[]) {
  const cluster = clusterWith();
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const watch = new ClusterWatch({ cluster, log, clock });
  const put = (object: KubeObject) => watch.changed(cluster.set(object));
  const remove = (name: string) => watch.changed(cluster.delete('Service', `default/${name}`));
  for (const object of objects) put(object);
  watch.begin();
  return { put, remove, lines, clock };
}

const services = (count: number) => Array.from({ length: count }, (_, i) => service({ name: `s-${i}` }));

suite('the number of Services', () => {
  const cases: readonly [before: number, after: number, line: RegExp | undefined][] = [
    [1, 0, /^W the number of Services fell from 1 to 0: the others are no longer served/],
    [100, 0, /fell from 100 to 0/],
    [100, 50, /fell from 100 to 50/],
    [10, 5, /fell from 10 to 5/],
    [100, 51, undefined],
    [9, 1, undefined],
    [0, 5, undefined],
  ];
  for (const [before, after, line] of cases) {
    test(`${before}, then ${after}: ${line === undefined ? 'nothing is said' : 'is told, in one line'}`, async () => {
      const { put, remove, lines, clock } = watching(...services(before));
      await clock.pass(60_000);
      for (let i = after; i < before; i++) remove(`s-${i}`);
      for (let i = before; i < after; i++) put(service({ name: `s-${i}` }));
      for (let seconds = 0; seconds < 60; seconds += 10) await clock.pass(10_000);
      assert.equal(lines.length, line === undefined ? 0 : 1);
      if (line !== undefined) assert.match(lines[0] ?? '', line);
    });
  }

  test('that falls little by little is nobody’s mistake', async () => {
    const { remove, lines, clock } = watching(...services(100));
    for (let i = 0; i < 90; i++) {
      remove(`s-${i}`);
      await clock.pass(10_000);
    }
    assert.deepEqual(lines, []);
  });

  test('that was replaced within seconds is as it was', async () => {
    const { put, remove, lines, clock } = watching(...services(20));
    for (let i = 0; i < 20; i++) remove(`s-${i}`);
    await clock.pass(5000);
    for (const object of services(20)) put(object);
    for (let seconds = 0; seconds < 60; seconds += 10) await clock.pass(10_000);
    assert.deepEqual(lines, []);
  });
});

suite('a slice without a port of its Service', () => {
  const wrong = slice([ready('10.0.0.1')], { ports: [slicePort({ name: 'web' })] });
  const settle = async (clock: FakeClock) => {
    for (let seconds = 0; seconds < 60; seconds += 10) await clock.pass(10_000);
  };

  test('is told of once, with the ports of both', async () => {
    const { put, lines, clock } = watching(service(), wrong);
    await settle(clock);
    put(slice([ready('10.0.0.2')], { ports: [slicePort({ name: 'web' })] }));
    await settle(clock);
    assert.deepEqual(lines, [
      'W EndpointSlice default/web-1 has the ports "web"/tcp, and Service default/web has "http"/tcp: ports are matched ' +
        'by name and protocol, so its 1 endpoints get no traffic',
    ]);
  });

  test('is told of again if it was well in between', async () => {
    const { put, lines, clock } = watching(service(), wrong);
    await settle(clock);
    put(slice([ready('10.0.0.1')]));
    await settle(clock);
    put(wrong);
    await settle(clock);
    assert.equal(lines.length, 2);
  });

  test('may come before its Service, or some seconds before the Service has the port', async () => {
    const { put, lines, clock } = watching();
    put(wrong);
    await settle(clock);
    put(service());
    await clock.pass(9000);
    put(service({ ports: [{ name: 'web', protocol: 'tcp', port: 80 }] }));
    await settle(clock);
    assert.deepEqual(lines, []);
  });

  const harmless: readonly [title: string, objects: readonly KubeObject[]][] = [
    [
      'that has one of several',
      [service(), slice([ready('10.0.0.1')], { ports: [slicePort({ name: 'x' }), slicePort()] })],
    ],
    ['without endpoints', [service(), slice([], { ports: [slicePort({ name: 'web' })] })]],
    ['without ports', [service(), slice([ready('10.0.0.1')], { ports: [] })]],
    ['of a Service without a ClusterIP', [service({ clusterIps: [] }), wrong]],
    ['of a Service of another proxy', [service({ otherProxy: true }), wrong]],
  ];
  for (const [title, objects] of harmless) {
    test(`${title}: nothing is said`, async () => {
      const { lines, clock } = watching(...objects);
      await settle(clock);
      assert.deepEqual(lines, []);
    });
  }

  test('of another protocol has no port of it, either', async () => {
    const { lines, clock } = watching(
      service(),
      slice([ready('10.0.0.1')], { ports: [slicePort({ protocol: 'udp' })] }),
    );
    await settle(clock);
    assert.match(lines[0] ?? '', /has the ports "http"\/udp, and Service default\/web has "http"\/tcp/);
  });
});
