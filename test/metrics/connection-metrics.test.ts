import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BusiestSamples } from '../../src/metrics/connection-metrics.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { CONNECTION_RESULTS, type Connections, type PortConnections } from '../../src/status/connections.ts';
import { recordingLog } from '../builders/recording-log.ts';

const port = (service: string, connections: number, result: PortConnections['result'] = 'served'): PortConnections => ({
  ...{ namespace: 'default', service, port: 'http', protocol: 'tcp', result, connections },
});

/** "web served" → its value; "" stands for all others. */
function taken(busiest: BusiestSamples<PortConnections['result']>, ...found: readonly PortConnections[]) {
  const samples = busiest
    .take(found)
    .map(({ labels, value }) => [`${labels.service} ${labels.result}`.trim(), value] as const);
  return Object.fromEntries(samples.filter(([, value]) => value > 0));
}

suite('samples of the busiest ports', () => {
  test('are so many, and the rest is one sum', () => {
    const busiest = new BusiestSamples(2, CONNECTION_RESULTS);
    const found = [port('a', 10), port('b', 5), port('b', 6, 'refused'), port('c', 3), port('d', 1, 'dropped')];
    assert.deepEqual(taken(busiest, ...found), {
      ...{ 'a served': 10, 'b served': 5, 'b refused': 6 },
      ...{ served: 3, dropped: 1 },
    });
    assert.equal(busiest.take([port('a', 10)]).length, 4);
  });

  test('have a sum that only grows, whoever comes to be busy, and by what is new alone', () => {
    const busiest = new BusiestSamples(1, CONNECTION_RESULTS);
    assert.deepEqual(taken(busiest, port('a', 10), port('b', 9)), { 'a served': 10, served: 9 });
    // What b had stays in the sum; a is in it from now on.
    assert.deepEqual(taken(busiest, port('a', 11), port('b', 20)), { 'b served': 20, served: 10 });
    assert.deepEqual(taken(busiest, port('a', 15), port('b', 20)), { 'b served': 20, served: 14 });
    // A Service that is gone takes nothing away.
    assert.deepEqual(taken(busiest, port('b', 20)), { 'b served': 20, served: 14 });
  });
});

suite('the metric of new connections', () => {
  const reading = (change: Partial<Connections> = {}): Connections => ({
    ...{ readAt: 1, counted: true, ports: [port('web', 3), port('db', 1)] },
    ...change,
  });

  test('is there where it is switched on, and only there', async () => {
    const { log } = recordingLog();
    const without = createMetrics({ families: ['ip'], log });
    assert.doesNotMatch(await without.render(), /service_connections/);
    const metrics = createMetrics({ families: ['ip'], log, connections: { most: 1, read: async () => reading() } });
    const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('kubeproxy_nft_service_conn'));
    assert.deepEqual(lines, [
      'kubeproxy_nft_service_connections_total{namespace="default",service="web",port="http",result="served"} 3',
      'kubeproxy_nft_service_connections_total{namespace="",service="",port="",result="served"} 1',
      'kubeproxy_nft_service_connections_total{namespace="",service="",port="",result="refused"} 0',
      'kubeproxy_nft_service_connections_total{namespace="",service="",port="",result="dropped"} 0',
    ]);
  });

  test('has what limits refused apart, Service by Service, also where nothing else is counted', async () => {
    const { log } = recordingLog();
    const limited = [
      { namespace: 'default', service: 'web', limited: 7, unlimited: 0, full: 2 },
      { namespace: 'default', service: 'db', full: 1 },
    ];
    const answer = reading({ counted: false, why: 'too many', ports: [], limited });
    const metrics = createMetrics({ families: ['ip'], log, connections: { most: 1, read: async () => answer } });
    const prefix = 'kubeproxy_nft_service_limited_connections_total';
    const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith(prefix));
    assert.deepEqual(lines, [
      `${prefix}{namespace="default",service="web",result="limited"} 7`,
      `${prefix}{namespace="default",service="web",result="unlimited"} 0`,
      `${prefix}{namespace="default",service="web",result="full"} 2`,
      `${prefix}{namespace="",service="",result="limited"} 0`,
      `${prefix}{namespace="",service="",result="unlimited"} 0`,
      `${prefix}{namespace="",service="",result="full"} 1`,
    ]);
  });

  test('stays as it was while nothing can be read, with one warning', async () => {
    const { log, lines } = recordingLog();
    let answer = reading();
    const metrics = createMetrics({ families: ['ip'], log, connections: { most: 1, read: async () => answer } });
    const before = await metrics.render();
    answer = reading({ counted: false, why: 'the kernel is busy', ports: [] });
    for (let scrape = 0; scrape < 2; scrape++) assert.match(await metrics.render(), /service="web".* 3\n/);
    assert.match(before, /service="web".* 3\n/);
    assert.equal(
      lines.filter((line) => line.includes('metrics of new connections are missing: the kernel is busy')).length,
      1,
    );
  });
});
