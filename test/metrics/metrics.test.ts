import assert from 'node:assert/strict';
import process from 'node:process';
import { suite, test } from 'node:test';
import { FAMILIES } from '../../src/ip.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { ready, slice } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { samples } from './scrape.ts';

const PARTIAL = { kind: 'partial', operations: 1, services: [] } as const;

/** Metrics of both families, on a clock that the test sets. */
function withClock() {
  const time = { now: 1_000_000, elapsed: 0 };
  const clock = { now: () => time.now, elapsed: () => time.elapsed };
  const metrics = createMetrics({ families: ['ip', 'ip6'], log: recordingLog().log, clock });
  const pass = (milliseconds: number) => {
    time.now += milliseconds;
    time.elapsed += milliseconds;
  };
  return { metrics, pass, time };
}

suite('a sync', () => {
  test('is measured from its begin, as one of both kinds, with the time of its end', async () => {
    const { metrics, pass } = withClock();
    const ip = metrics.family('ip');
    pass(100);
    ip.began();
    pass(1500);
    ip.succeeded({ ...PARTIAL, kind: 'full', operations: 7 });
    ip.began();
    pass(4);
    ip.succeeded({ ...PARTIAL, operations: 2 });
    const seconds = async (kind: string) =>
      (await samples(metrics, `kubeproxy_sync_${kind}proxy_rules_duration_seconds`)).filter((line) =>
        /_(sum|count)/.test(line),
      );
    const lines = (kind: string, sum: number, count: number) => [
      `kubeproxy_sync_${kind}proxy_rules_duration_seconds_sum{ip_family="IPv4"} ${sum}`,
      `kubeproxy_sync_${kind}proxy_rules_duration_seconds_count{ip_family="IPv4"} ${count}`,
    ];
    assert.deepEqual(await seconds(''), lines('', 1.504, 2));
    assert.deepEqual(await seconds('full_'), lines('full_', 1.5, 1));
    assert.deepEqual(await seconds('partial_'), lines('partial_', 0.004, 1));
    assert.deepEqual(await samples(metrics, 'kubeproxy_sync_proxy_rules_last_timestamp_seconds'), [
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1001.604',
    ]);
    assert.deepEqual(await samples(metrics, 'kubeproxy_nft_element_operations_total'), [
      'kubeproxy_nft_element_operations_total{ip_family="IPv4"} 9',
    ]);
  });

  test('that fails is counted, and measured by nothing else', async () => {
    const { metrics } = withClock();
    metrics.family('ip6').began();
    metrics.family('ip6').failed(new Error('no'));
    assert.deepEqual(await samples(metrics, 'kubeproxy_sync'), [
      'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"} 1',
    ]);
  });
});

suite('changes', () => {
  const pendingAndTotal = async (metrics: ReturnType<typeof withClock>['metrics']) =>
    (await samples(metrics, 'kubeproxy_sync_proxy_rules_'))
      .filter((line) => line.includes('_changes_'))
      .map((line) => line.replace('kubeproxy_sync_proxy_rules_', ''));

  test('are pending until both families have them', async () => {
    const { metrics } = withClock();
    metrics.serviceChanged();
    metrics.endpointsChanged(slice([]));
    metrics.endpointsChanged();
    const totals = ['endpoint_changes_total 2', 'service_changes_total 1'];
    const pending = ['endpoint_changes_pending 2', 'service_changes_pending 1'];
    assert.deepEqual((await pendingAndTotal(metrics)).sort(), [...pending, ...totals].sort());
    for (const family of FAMILIES) metrics.family(family).caughtUp();
    metrics.family('ip').succeeded(PARTIAL);
    assert.deepEqual((await pendingAndTotal(metrics)).sort(), [...pending, ...totals].sort());
    metrics.family('ip6').succeeded(PARTIAL);
    assert.deepEqual(await pendingAndTotal(metrics), totals);
  });

  test('that are nothing to a family are in force there at once', async () => {
    const { metrics } = withClock();
    metrics.endpointsChanged();
    metrics.family('ip6').unaffected();
    metrics.family('ip').caughtUp();
    metrics.family('ip').succeeded({ kind: 'partial', operations: 1, services: [] });
    assert.deepEqual(await pendingAndTotal(metrics), ['endpoint_changes_total 1']);
  });

  test('that come while the kernel is written stay pending', async () => {
    const { metrics } = withClock();
    metrics.serviceChanged();
    for (const family of FAMILIES) metrics.family(family).caughtUp();
    metrics.serviceChanged();
    for (const family of FAMILIES) metrics.family(family).succeeded(PARTIAL);
    assert.deepEqual(await pendingAndTotal(metrics), ['service_changes_pending 1', 'service_changes_total 2']);
  });

  test('stay pending when a sync fails, and when it takes only some of them', async () => {
    const { metrics } = withClock();
    const ip = metrics.family('ip');
    metrics.serviceChanged();
    ip.caughtUp();
    ip.failed(new Error('no'));
    for (const family of FAMILIES) metrics.family(family).succeeded(PARTIAL);
    assert.deepEqual(await pendingAndTotal(metrics), ['service_changes_pending 1', 'service_changes_total 1']);
  });

  test('of endpoints are measured from the change of the Pod until they are in force, once', async () => {
    const { metrics, pass, time } = withClock();
    metrics.endpointsChanged(slice([ready('10.0.0.1')], { triggeredAt: time.now + 1000 }));
    const write = () => {
      metrics.family('ip').caughtUp();
      pass(1750);
      metrics.family('ip').succeeded(PARTIAL);
    };
    write();
    write();
    const lines = await samples(metrics, 'kubeproxy_network_programming_duration_seconds');
    const of = (part: string) => lines.filter((line) => line.includes(part));
    assert.deepEqual(of('_count').concat(of('_sum'), of('le="0.5"'), of('le="1"')), [
      'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 1',
      'kubeproxy_network_programming_duration_seconds_sum{ip_family="IPv4"} 0.75',
      'kubeproxy_network_programming_duration_seconds_bucket{le="1",ip_family="IPv4"} 1',
    ]);
  });
});

suite('how long a change waits', () => {
  const waiting = async (metrics: ReturnType<typeof withClock>['metrics']) =>
    (await samples(metrics, 'kubeproxy_nft_change_waiting_seconds')).map((line) => line.split('_seconds')[1]);

  test('is counted from the first that waits, by a clock that nobody sets, until all is in force', async () => {
    const { metrics, pass, time } = withClock();
    const ip = metrics.family('ip');
    ip.queued();
    pass(2000);
    ip.queued();
    time.now = 0;
    pass(500);
    assert.deepEqual(await waiting(metrics), ['{ip_family="IPv4"} 2.5']);
    for (const end of [() => ip.succeeded(PARTIAL), () => ip.verified(), () => ip.unaffected()]) {
      ip.queued();
      pass(1000);
      end();
      assert.deepEqual(await waiting(metrics), []);
    }
  });

  test('goes on where work on the kernel fails, and begins where the table is lost', async () => {
    const { metrics, pass } = withClock();
    const [ip, ip6] = [metrics.family('ip'), metrics.family('ip6')];
    ip.queued();
    ip.began();
    pass(1000);
    ip.failed(new Error('no'));
    ip6.tableLost();
    pass(3000);
    assert.deepEqual(await waiting(metrics), ['{ip_family="IPv4"} 4', '{ip_family="IPv6"} 3']);
  });
});

suite('what is noted', () => {
  test('of a family shows under its name', async () => {
    const { metrics } = withClock();
    const ip6 = metrics.family('ip6');
    ip6.queued();
    ip6.verified();
    ip6.cleanupFailed();
    ip6.tableLost();
    ip6.elements(12);
    ip6.conntrackReconciled(0.5, 3);
    ip6.localhostListeners(2);
    ip6.localhostListenerFailed();
    ip6.noLocalEndpoints.set('default/web', { internal: 0, external: 2 });
    const own = (await samples(metrics, 'kubeproxy_')).filter((line) => !line.includes('_bucket'));
    assert.deepEqual(own.sort(), [
      'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv6"} 3',
      'kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family="IPv6"} 1',
      'kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family="IPv6"} 0.5',
      'kubeproxy_nft_elements{ip_family="IPv6"} 12',
      'kubeproxy_nft_repairs_total{ip_family="IPv6"} 1',
      'kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total{ip_family="IPv6"} 1',
      'kubeproxy_nftables_localhost_nodeport_listeners{ip_family="IPv6"} 2',
      'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv6"} 1000',
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 1000',
      'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family="IPv6"} 1',
      'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv6",traffic_policy="external"} 2',
    ]);
  });

  test('of probes and requests shows by code', async () => {
    const { metrics } = withClock();
    metrics.probed('healthz', 503);
    metrics.probed('livez', 200);
    metrics.apiRequest('GET', '10.0.0.1:6443', 200);
    metrics.apiRequest('GET', '10.0.0.1:6443', undefined);
    assert.deepEqual(await samples(metrics, 'kubeproxy_proxy_'), [
      'kubeproxy_proxy_healthz_total{code="503"} 1',
      'kubeproxy_proxy_livez_total{code="200"} 1',
    ]);
    assert.deepEqual(await samples(metrics, 'rest_client_'), [
      'rest_client_requests_total{method="GET",host="10.0.0.1:6443",code="200"} 1',
      'rest_client_requests_total{method="GET",host="10.0.0.1:6443",code="<error>"} 1',
    ]);
  });

  test('of rules that differ is what the last comparison found', async () => {
    const { metrics } = withClock();
    const differing = [1, 2].map((n) => ({ kind: 'rule', action: 'added', message: `${n}`, key: `${n}` }) as const);
    const found = () => samples(metrics, 'kubeproxy_nft_rule_differences');
    metrics.family('ip').compared(differing, 5000);
    assert.deepEqual(await found(), ['kubeproxy_nft_rule_differences{ip_family="IPv4"} 2']);
    metrics.family('ip').compared([], 5000);
    assert.deepEqual(await found(), []);
  });

  test('of the API server is since when it fails', async () => {
    const { metrics, pass } = withClock();
    const failing = () => samples(metrics, 'kubeproxy_nft_api_failing_seconds');
    metrics.apiWorks(false);
    pass(7000);
    assert.deepEqual(await failing(), ['kubeproxy_nft_api_failing_seconds 7']);
    metrics.apiWorks(true);
    assert.deepEqual(await failing(), []);
  });

  test('of the process is read at each scrape', async () => {
    const { metrics } = withClock();
    const value = async (name: string) => Number((await samples(metrics, `${name} `))[0]?.split(' ')[1]);
    const cpu = await value('process_cpu_seconds_total');
    for (const end = process.cpuUsage().user + 20_000; process.cpuUsage().user < end; );
    const used = await value('process_cpu_seconds_total');
    assert.ok(used >= cpu + 0.02 && used <= process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6);
    assert.ok((await value('process_resident_memory_bytes')) > 10e6);
    assert.ok((await value('process_open_fds')) < (await value('process_max_fds')));
    assert.ok(Math.abs((await value('process_start_time_seconds')) - (Date.now() / 1000 - process.uptime())) < 5);
  });
});

suite('rejected packets', () => {
  test('are read at each scrape; a failure leaves the last numbers and is told once', async () => {
    const { log, lines } = recordingLog();
    let packets = 3;
    const readLocalhostRejected = async (family: 'ip' | 'ip6') => {
      if (packets < 0) throw new Error('nft: no');
      return { udp: family === 'ip' ? packets : 0, sctp: 0 };
    };
    const metrics = createMetrics({ families: ['ip', 'ip6'], log, readLocalhostRejected });
    const udp = async () =>
      (await samples(metrics, 'kubeproxy_nftables_localhost_nodeport_rejected')).map((line) => line.split('_total')[1]);
    assert.deepEqual(await udp(), ['{ip_family="IPv4",protocol="UDP"} 3']);
    packets = 5;
    assert.deepEqual(await udp(), ['{ip_family="IPv4",protocol="UDP"} 5']);
    packets = -1;
    assert.deepEqual(await udp(), ['{ip_family="IPv4",protocol="UDP"} 5']);
    assert.deepEqual(await udp(), ['{ip_family="IPv4",protocol="UDP"} 5']);
    assert.deepEqual(lines, ['W the metrics of rejected packets are not up to date: nft: no family="ip"']);
  });

  test('are read once for scrapes at the same time', async () => {
    let reads = 0;
    const readLocalhostRejected = async () => ({ udp: ++reads, sctp: 0 });
    const metrics = createMetrics({ families: ['ip'], log: recordingLog().log, readLocalhostRejected });
    await Promise.all([metrics.render(), metrics.render()]);
    assert.equal(reads, 1);
    await metrics.render();
    assert.equal(reads, 2);
  });
});
