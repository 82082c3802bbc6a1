import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { load } from 'js-yaml';
import { readDaemonSet, readDeployed } from '../deploy/deployment.ts';
import { assertFiring, checkRules, plainRules, readAlertRules, type Series, shownAlert } from './alert-rules.ts';
import { unknownMetrics } from './known-metrics.ts';

const rules = readAlertRules();
const page = readFileSync(join(import.meta.dirname, '../../docs/monitoring.md'), 'utf8');

suite('the alert rules', () => {
  test('are taken by promtool', () => {
    const { status, said } = checkRules(plainRules());
    assert.equal(status, 0, said);
    assert.match(said, new RegExp(`SUCCESS: ${rules.length} rules found`));
    assert.notEqual(checkRules(plainRules().replace('> 60', '> sixty(')).status, 0);
  });

  test('query only metrics, labels and values that there are', async () => {
    for (const { alert, expr } of rules) assert.deepEqual(await unknownMetrics(expr), [], alert);
    assert.deepEqual(await unknownMetrics('kubeproxy_nft_shortfall{reason="quarantined"} > 0'), [
      'kubeproxy_nft_shortfall',
    ]);
    assert.deepEqual(await unknownMetrics('kubeproxy_nft_shortfalls{reason="quarantine"} > 0'), [
      'kubeproxy_nft_shortfalls{reason="quarantine"}',
    ]);
  });

  for (const { alert, annotations } of rules) {
    test(`${alert} says what to run next, and has a section`, () => {
      assert.match(annotations.description, /Next.*(kube-proxy-nft|kubectl|conntrack|sysctl|nft|df) /);
      const [, anchor = ''] = /\/docs\/monitoring\.md#(\w+)$/.exec(annotations.runbook_url) ?? [];
      assert.equal(anchor, alert.toLowerCase());
      assert.match(page, new RegExp(`^### ${alert}$`, 'm'));
    });
  }

  test('are all in the table of docs/monitoring.md, with their severity and time, and no others', () => {
    const rows = [...page.matchAll(/^\| \[(KubeProxyNFT\w+)\]\(#(\w+)\) \| (\w+) \| (\w+) \|/gm)];
    assert.deepEqual(
      rows.map(([, name, anchor, severity, time]) => ({ name, anchor, severity, time })),
      rules.map(({ alert, labels, for: time }) => ({
        name: alert,
        anchor: alert.toLowerCase(),
        severity: labels.severity,
        time,
      })),
    );
  });
});

test('the PodMonitor finds the pods and their port, and gives the job the name that alerts use', () => {
  const { metadata, spec } = readDaemonSet();
  const [{ ports }] = spec.template.spec.containers;
  const podMonitor = load(readDeployed('monitoring/pod-monitor.yaml'));
  assert.deepEqual(podMonitor, {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      labels: { 'k8s-app': 'kube-proxy-nft' },
    },
    spec: {
      jobLabel: 'k8s-app',
      selector: { matchLabels: spec.template.metadata.labels },
      podMetricsEndpoints: [
        {
          port: ports?.[0]?.name,
          interval: '30s',
          relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_node_name'], targetLabel: 'instance' }],
        },
      ],
    },
  });
  assert.equal(spec.template.metadata.labels['k8s-app'], 'kube-proxy-nft');
});

/** Each name with the labels of a target, and its values, one for each half a minute. */
function seriesOf(values: Readonly<Record<string, string>>): readonly Series[] {
  const all = { kubeproxy_nft_elements: '10x600', ...values };
  return Object.entries(all).map(([name, text]) => {
    const target = name.startsWith('kube_') ? 'job="kube-state-metrics"' : 'job="kube-proxy-nft",instance="node-a"';
    return { series: name.includes('{') ? name.replace('}', `,${target}}`) : `${name}{${target}}`, values: text };
  });
}

suite('at half a minute between scrapes, in time:', () => {
  const cases: Readonly<Record<string, readonly [Readonly<Record<string, string>>, ...(readonly [string, string])[]]>> =
    {
      'a pod that is replaced, and comes within five minutes': [{ up: '1x10 0x9 1x200' }, ['9m', ''], ['15m', '']],
      'a daemon that stays down': [{ up: '1x10 0x200' }, ['14m', ''], ['16m', 'Down']],
      'a start that takes a minute and a half': [
        {
          'kubeproxy_nft_change_waiting_seconds{ip_family="IPv4"}': '0 30 60 90 0x200',
          'kubeproxy_nft_rule_differences{ip_family="IPv4"}': '0x200',
          'kubeproxy_nft_repairs_total{ip_family="IPv4"}': '0x200',
          process_start_time_seconds: '7x200',
        },
        ['90s', ''],
        ['5m', ''],
        ['30m', ''],
      ],
      'two configurations one after the other, which are two starts': [
        { process_start_time_seconds: '7x10 400x10 900x200' },
        ['20m', ''],
      ],
      'a daemon that ends again and again': [
        { process_start_time_seconds: '0+1x10 10x200' },
        ['5m', ''],
        ['8m', 'Restarts'],
        ['45m', ''],
      ],
      'a change that waits': [
        { 'kubeproxy_nft_change_waiting_seconds{ip_family="IPv4"}': '0x10 0+30x200' },
        ['8m', ''],
        ['11m', 'ChangesNotInForce'],
      ],
      'a rule that was changed once': [
        {
          'kubeproxy_nft_rule_differences{ip_family="IPv4"}': '0x10 1 0x200',
          'kubeproxy_nft_repairs_total{ip_family="IPv4"}': '0x10 1x200',
        },
        ['5m', ''],
        ['8m', 'ChangedByOthers'],
        ['90m', ''],
      ],
      'a rule that is undone as soon as it is repaired, and found so by one look in three': [
        { 'kubeproxy_nft_rule_differences{ip_family="IPv4"}': `0x10 ${'1 0 0 '.repeat(30)}` },
        ['9m', ''],
        ['12m', 'RulesNotRepaired'],
      ],
      'a flush of a large map, which is repaired in three steps': [
        { 'kubeproxy_nft_repairs_total{ip_family="IPv4"}': '0x10 500 1000 1300x200' },
        ['10m', 'ChangedByOthers'],
      ],
      'a rule that is changed every five minutes': [
        { 'kubeproxy_nft_repairs_total{ip_family="IPv4"}': '0x9 1x9 2x9 3x9 4x9 5x9 6x9 7x9 8x9 9x200' },
        ['29m', 'ChangedByOthers'],
        ['34m', 'ChangedByOthers Fight'],
      ],
      'a Service that is quarantined, and is well after the first retries': [
        { 'kubeproxy_nft_shortfalls{reason="quarantined"}': '0x10 1x5 0x200' },
        ['9m', ''],
        ['12m', ''],
      ],
      'budgets that are exceeded': [
        {
          'kubeproxy_nft_shortfalls{reason="total-budget"}': '3x200',
          'kubeproxy_nft_shortfalls{reason="service-budget"}': '1x200',
          'kubeproxy_nft_shortfalls{reason="quarantined"}': '1x200',
          'kubeproxy_nft_shortfalls{reason="protected-address"}': '1x200',
        },
        ['4m', ''],
        ['10m', 'OutOfBudget Quarantine'],
        ['16m', 'NotServedAsSpecified OutOfBudget Quarantine ServiceOverBudget'],
      ],
      'local endpoints that come back after a roll-out of their pods': [
        {
          'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy="internal"}':
            '0x10 1x20 0x200',
          'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy="external"}': '3x300',
        },
        ['14m', ''],
        ['60m', ''],
      ],
      'conntrack that fills, and then drops': [
        {
          kubeproxy_nft_conntrack_entries: '100x20 950x400',
          kubeproxy_nft_conntrack_entries_limit: '1000x400',
          'kubeproxy_nft_conntrack_lost_packets_total{counter="drop"}': '0x60 0+5x300',
          'kubeproxy_nft_conntrack_lost_packets_total{counter="insert_failed"}': '0+60x400',
        },
        ['14m', ''],
        ['25m', 'ConntrackFull ConntrackInsertFailed'],
        ['40m', 'ConntrackDrops ConntrackFull ConntrackInsertFailed'],
      ],
      'a conntrack of which nothing is known': [
        { kubeproxy_nft_conntrack_entries: '0x400', kubeproxy_nft_conntrack_entries_limit: '0x400' },
        ['30m', ''],
      ],
      'a state that has not been saved for three hours, by a daemon that reaches the API server': [
        { kubeproxy_nft_state_saved_timestamp_seconds: '60x500', kubeproxy_nft_api_failing_seconds: '0x500' },
        ['3h20m', ''],
        ['3h40m', 'StateNotSaved'],
      ],
      'the same of one that does not reach it, and of one that saves none': [
        { kubeproxy_nft_state_saved_timestamp_seconds: '60x500', kubeproxy_nft_api_failing_seconds: '1x500' },
        ['3h40m', ''],
      ],
      'an API server that is upgraded for three minutes': [
        { kubeproxy_nft_api_failing_seconds: '0x10 0+30x6 0x200' },
        ['8m', ''],
        ['12m', ''],
      ],
      'a roll-out of an hour': [
        {
          'kube_daemonset_status_desired_number_scheduled{daemonset="kube-proxy-nft"}': '100x400',
          'kube_daemonset_status_number_ready{daemonset="kube-proxy-nft"}': '90x120 100x200',
          'kube_daemonset_status_updated_number_scheduled{daemonset="kube-proxy-nft"}': '0+1x120 100x200',
        },
        ['30m', ''],
        ['60m', ''],
      ],
      'a roll-out that is stuck': [
        {
          'kube_daemonset_status_desired_number_scheduled{daemonset="kube-proxy-nft"}': '100x400',
          'kube_daemonset_status_number_ready{daemonset="kube-proxy-nft"}': '90x400',
          'kube_daemonset_status_updated_number_scheduled{daemonset="kube-proxy-nft"}': '10x400',
        },
        ['14m', ''],
        ['26m', 'PodsMissing'],
      ],
    };
  for (const [name, [values, ...moments]] of Object.entries(cases)) {
    test(name, () => {
      assertFiring(
        '30s',
        seriesOf(values),
        moments.map(([at, firing]) => ({ at, firing: firing.split(' ').filter(Boolean) })),
      );
    });
  }

  test('no metrics at all', () => {
    assertFiring('30s', [{ series: 'up{job="other"}', values: '1x100' }], [{ at: '16m', firing: ['Absent'] }]);
  });

  test('slow changes of the kube-proxies of other nodes are not ours', () => {
    const of = (job: string, instance: string): readonly Series[] =>
      ['kubeproxy_network_programming_duration_seconds', 'kubeproxy_sync_partial_proxy_rules_duration_seconds'].flatMap(
        (name) =>
          ['8.192', '16.384', '+Inf'].map((le) => ({
            series: `${name}_bucket{job="${job}",instance="${instance}",ip_family="IPv4",le="${le}"}`,
            values: le === '8.192' ? '0x100' : '0+1x100',
          })),
      );
    assertFiring('30s', [...seriesOf({}), ...of('kube-proxy', 'node-b')], [{ at: '30m', firing: [] }]);
    assertFiring(
      '30s',
      [...seriesOf({}), ...of('kube-proxy-nft', 'node-a')],
      [
        { at: '14m', firing: [] },
        { at: '30m', firing: ['ChangesSlow', 'TransactionsSlow'] },
      ],
    );
  });

  test('people are told in words, with the node', () => {
    const text = shownAlert(
      '30s',
      seriesOf({ 'kubeproxy_nft_change_waiting_seconds{ip_family="IPv4"}': '0+30x100' }),
      '10m',
      'ChangesNotInForce',
    );
    assert.match(text, /Changes to IPv4 Services have been waiting on node-a for 10m 0s/);
    assert.doesNotMatch(text, /error expanding template|no value/);
  });
});
