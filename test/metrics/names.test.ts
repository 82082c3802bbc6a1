import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { complaintsOfPromtool } from './promtool.ts';
import { parseScrape } from './scrape.ts';

/** Name, type and labels, as kube-proxy 1.37 in nftables mode has them. */
const KUBE_PROXYS = [
  'kubeproxy_conntrack_reconciler_deleted_entries_total counter ip_family',
  'kubeproxy_conntrack_reconciler_sync_duration_seconds histogram ip_family',
  'kubeproxy_network_programming_duration_seconds histogram ip_family',
  'kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total counter ip_family',
  'kubeproxy_nftables_localhost_nodeport_listeners gauge ip_family',
  'kubeproxy_nftables_localhost_nodeport_rejected_packets_total counter ip_family,protocol',
  'kubeproxy_proxy_healthz_total counter code',
  'kubeproxy_proxy_livez_total counter code',
  'kubeproxy_sync_full_proxy_rules_duration_seconds histogram ip_family',
  'kubeproxy_sync_partial_proxy_rules_duration_seconds histogram ip_family',
  'kubeproxy_sync_proxy_rules_duration_seconds histogram ip_family',
  'kubeproxy_sync_proxy_rules_endpoint_changes_pending gauge ',
  'kubeproxy_sync_proxy_rules_endpoint_changes_total counter ',
  'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds gauge ip_family',
  'kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge ip_family',
  'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total counter ip_family',
  'kubeproxy_sync_proxy_rules_nftables_sync_failures_total counter ip_family',
  'kubeproxy_sync_proxy_rules_no_local_endpoints_total gauge ip_family,traffic_policy',
  'kubeproxy_sync_proxy_rules_service_changes_pending gauge ',
  'kubeproxy_sync_proxy_rules_service_changes_total counter ',
  'kubernetes_build_info gauge build_date,compiler,git_commit,git_tree_state,git_version,go_version,major,minor,platform',
  'process_cpu_seconds_total counter ',
  'process_max_fds gauge ',
  'process_open_fds gauge ',
  'process_resident_memory_bytes gauge ',
  'process_start_time_seconds gauge ',
  'rest_client_requests_total counter code,host,method',
];

const OUR_OWN = [
  'kubeproxy_nft_api_failing_seconds gauge ',
  'kubeproxy_nft_change_waiting_seconds gauge ip_family',
  'kubeproxy_nft_drift_total counter action,ip_family,kind',
  'kubeproxy_nft_element_operations_total counter ip_family',
  'kubeproxy_nft_elements gauge ip_family',
  'kubeproxy_nft_service_connections_total counter namespace,port,result,service',
  'kubeproxy_nft_service_limited_connections_total counter namespace,result,service',
  'kubeproxy_nft_gone_endpoint_connections_total counter ip_family',
  'kubeproxy_nft_heartbeats_total counter ip_family,outcome',
  'kubeproxy_nft_last_audit_timestamp_seconds gauge ip_family',
  'kubeproxy_nft_limited_connections_total counter ip_family,result',
  'kubeproxy_nft_repairs_total counter ip_family',
  'kubeproxy_nft_rule_differences gauge ip_family',
  'kubeproxy_nft_conntrack_lost_packets_total counter counter',
  'kubeproxy_nft_conntrack_entries gauge ',
  'kubeproxy_nft_conntrack_entries_limit gauge ',
  'kubeproxy_nft_shortfalls gauge reason',
  'kubeproxy_nft_state_saved_timestamp_seconds gauge ',
  'kubeproxy_nft_state_served_since_timestamp_seconds gauge ',
  'nodejs_heap_size_total_bytes gauge ',
  'nodejs_heap_size_used_bytes gauge ',
];

const SYNC_BUCKETS = '0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 16.384 +Inf';

const PROGRAMMING_BUCKETS =
  '0 0.25 0.5 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 ' +
  '39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 65 70 75 80 85 90 95 100 105 110 115 120 150 180 ' +
  '210 240 270 300 +Inf';

const both = () => {
  const connections = { most: 1, read: async () => ({ readAt: 0, counted: true, ports: [] }) };
  const metrics = createMetrics({ families: ['ip', 'ip6'], log: recordingLog().log, connections });
  metrics.apiRequest('GET', '10.0.0.1:6443', 200);
  return metrics;
};

suite('the metrics', () => {
  test('have kube-proxy’s names, types and labels, and few of their own', async () => {
    const scraped = [...parseScrape(await both().render())];
    const lines = scraped.map(([name, { type, labels }]) => `${name} ${type} ${labels}`);
    assert.deepEqual(lines.sort(), [...KUBE_PROXYS, ...OUR_OWN].sort());
  });

  test('have kube-proxy’s buckets', async () => {
    const scraped = [...parseScrape(await both().render())].filter(([, { type }]) => type === 'histogram');
    assert.equal(scraped.length, 5);
    for (const [name, { buckets }] of scraped) {
      const expected = name === 'kubeproxy_network_programming_duration_seconds' ? PROGRAMMING_BUCKETS : SYNC_BUCKETS;
      assert.equal(buckets.join(' '), expected, name);
    }
  });

  test('are there from the start, with 0 for every family, policy, protocol and code that is known', async () => {
    const text = await createMetrics({ families: ['ip', 'ip6'], log: recordingLog().log }).render();
    for (const sample of [
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv6"} 0',
      'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 0',
      'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv6",traffic_policy="external"} 0',
      'kubeproxy_nftables_localhost_nodeport_rejected_packets_total{ip_family="IPv4",protocol="SCTP"} 0',
      'kubeproxy_sync_proxy_rules_endpoint_changes_pending 0',
      'kubeproxy_proxy_livez_total{code="503"} 0',
    ])
      assert.ok(text.includes(`${sample}\n`), sample);
  });

  test('of a family that is not programmed are not there', async () => {
    const metrics = createMetrics({ families: ['ip'], log: recordingLog().log });
    assert.ok(!(await metrics.render()).includes('IPv6'));
    assert.throws(() => metrics.family('ip6'), { code: 'E_INTERNAL' });
  });

  test('please promtool, but for a name that kube-proxy chose', async () => {
    assert.deepEqual(complaintsOfPromtool(await both().render()), [
      'kubeproxy_sync_proxy_rules_no_local_endpoints_total non-counter metrics should not have "_total" suffix',
    ]);
    assert.match(complaintsOfPromtool('not a metric').join(), /error while linting/);
  });

  test('are all in the documents, and no others', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    const rows = [...page.matchAll(/^\| ([a-z_]+) \| (counter|gauge|histogram) \| ([a-z_, ]*) \|/gm)];
    const documented = rows.map(([, name, type, labels = '']) => `${name} ${type} ${labels.split(', ').sort()}`);
    assert.deepEqual(documented.sort(), [...KUBE_PROXYS, ...OUR_OWN].sort());
  });
});
