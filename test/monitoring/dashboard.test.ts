import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { load } from 'js-yaml';
import { readDeployed } from '../deploy/deployment.ts';
import { checkRules } from './alert-rules.ts';
import { filledIn, readDashboard, readQueries } from './dashboard.ts';
import { unknownMetrics } from './known-metrics.ts';

const { panels, templating } = readDashboard();
const graphs = panels.filter(({ type }) => type !== 'row');
const queries = readQueries();

suite('the dashboard', () => {
  test('has queries that promtool takes', () => {
    const parse = (expr: string) =>
      checkRules(JSON.stringify({ groups: [{ name: 'a', rules: [{ record: 'a', expr }] }] }));
    assert.ok(queries.length > 40);
    for (const { title, expr } of queries) {
      const { status, said } = parse(filledIn(expr));
      assert.equal(status, 0, `${title}: ${said}`);
    }
    assert.notEqual(parse('sum(rate(kubeproxy_nft_elements)').status, 0);
  });

  test('queries only metrics, labels and values that there are', async () => {
    for (const { title, expr } of queries) assert.deepEqual(await unknownMetrics(filledIn(expr)), [], title);
  });

  test('groups and names lines by labels that there are', async () => {
    const names = new Set(['instance', 'cluster', 'job', 'le']);
    for (const name of [
      'ip_family',
      'reason',
      'kind',
      'action',
      'outcome',
      'code',
      'counter',
      'traffic_policy',
      'git_version',
    ]) {
      names.add(name);
    }
    const text = JSON.stringify(graphs);
    const used = [...text.matchAll(/\b(?:by|on|without) \(([^)]*)\)|\{\{(\w+)\}\}/g)].flatMap(([, list, one]) =>
      (list ?? one ?? '').split(', '),
    );
    assert.deepEqual(
      used.filter((label) => !names.has(label)),
      [],
    );
    for (const { title, expr } of queries) {
      for (const [, list = ''] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
        for (const label of list.split(', ').filter((one) => !['instance', 'le'].includes(one))) {
          const [, metric = ''] = /\b((?:kubeproxy|kubernetes|rest_client)_\w+)\{/.exec(expr) ?? [];
          assert.deepEqual(await unknownMetrics(`${metric}{${label}!=""}`), [], title);
        }
      }
    }
  });

  test('lets people choose data source, cluster and node, and every query minds them', async () => {
    assert.deepEqual(
      templating.list.map(({ name }) => name),
      ['datasource', 'cluster', 'node'],
    );
    for (const { definition } of templating.list.slice(1)) assert.deepEqual(await unknownMetrics(definition ?? ''), []);
    for (const { title, expr } of queries) {
      const selectors = [...expr.matchAll(/\b(?:kubeproxy|kubernetes|process|rest_client)_\w+(\{[^}]*\})?/g)];
      for (const [, selector = ''] of selectors) {
        assert.match(selector, /^\{cluster=~"\$cluster",instance=~"\$node"/, title);
      }
    }
  });

  test('does not mix in the kube-proxies of other nodes', () => {
    for (const { title, expr } of queries) {
      if (/\{[^}]*\}/.test(expr.replaceAll(/kubeproxy_nft_\w+\{[^}]*\}/g, ''))) {
        assert.match(expr, / and on \(cluster, job, instance\) kubeproxy_nft_elements\{/, title);
      }
    }
  });

  test('has panels beside each other, each with a title, a number and a description of its own', () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const { title, description } of graphs) assert.match(description ?? '', /\.$/, title);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`), `${title} covers another panel`);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  test('comes as a ConfigMap with the label that the sidecar of Grafana looks for', () => {
    const { configMapGenerator } = load(readDeployed('monitoring/kustomization.yaml')) as Record<string, unknown>;
    assert.deepEqual(configMapGenerator, [
      {
        name: 'kube-proxy-nft-dashboard',
        files: ['kube-proxy-nft.json=dashboard.json'],
        options: { labels: { grafana_dashboard: '1' }, disableNameSuffixHash: true },
      },
    ]);
  });
});
