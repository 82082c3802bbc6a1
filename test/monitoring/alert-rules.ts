import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { DEPLOYMENT } from '../deploy/deployment.ts';
import { runPromtool } from '../metrics/promtool.ts';
import { runSync } from '../netns/namespaces.ts';

const RULES_FILE = join(DEPLOYMENT, 'monitoring', 'prometheus-rule.yaml');

const AlertRule = v.strictObject({
  alert: v.string(),
  expr: v.string(),
  for: v.string(),
  labels: v.strictObject({ severity: v.picklist(['critical', 'warning', 'info']) }),
  annotations: v.strictObject({ summary: v.string(), description: v.string(), runbook_url: v.string() }),
});
export type AlertRule = v.InferOutput<typeof AlertRule>;

const PrometheusRule = v.strictObject({
  apiVersion: v.literal('monitoring.coreos.com/v1'),
  kind: v.literal('PrometheusRule'),
  metadata: v.strictObject({
    name: v.string(),
    namespace: v.string(),
    labels: v.record(v.string(), v.string()),
  }),
  spec: v.strictObject({ groups: v.tuple([v.strictObject({ name: v.string(), rules: v.array(AlertRule) })]) }),
});

/** The alerts that we ship. */
export const readAlertRules = (): readonly AlertRule[] =>
  v.parse(PrometheusRule, load(readFileSync(RULES_FILE, 'utf8'))).spec.groups[0].rules;

/** The rules as Prometheus without its operator takes them, by the command in docs/monitoring.md. */
export function plainRules(): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/monitoring.md'), 'utf8');
  const [, script] = /^ {4}(sed .*) deploy\/kubernetes\/monitoring\/prometheus-rule\.yaml > \S+$/m.exec(page) ?? [];
  if (script === undefined) throw new Error('docs/monitoring.md has no such command');
  return runSync(['sh', '-c', `${script} "$1"`, 'sh', RULES_FILE]).stdout;
}

/** How often promtool evaluates rules. It loads no samples from after the last time, so a moment must be one of these. */
const EVALUATED = '30s';

/** A series as promtool's tests have them: its name with labels, and its values ("0+1x10"). */
export interface Series {
  readonly series: string;
  readonly values: string;
}

type Answer = ReturnType<typeof runPromtool>;

/** Names of the alerts that fire at a moment ("5m"), without "KubeProxyNFT". */
export interface Moment {
  readonly at: string;
  readonly firing: readonly string[];
}

/** Fails with what promtool says unless just these alerts fire at these moments. `interval`: between values. */
export function assertFiring(interval: string, series: readonly Series[], moments: readonly Moment[]): void {
  const { status, said } = testRules({
    interval,
    input_series: series,
    promql_expr_test: moments.map(({ at, firing }) => ({
      expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
      eval_time: at,
      exp_samples: firing.map((name) => ({ labels: `{alertname="KubeProxyNFT${name}"}`, value: 1 })),
    })),
  });
  if (status !== 0) throw new Error(said);
}

/** Fails unless just these alerts' expressions are true at a moment, whatever their `for`. */
export function assertTrue(interval: string, series: readonly Series[], { at, firing }: Moment): void {
  const { status, said } = testRules({
    interval,
    input_series: series,
    promql_expr_test: readAlertRules().map(({ alert, expr }) => ({
      expr: `count(${expr}) > bool 0`,
      eval_time: at,
      exp_samples: firing.includes(alert.replace('KubeProxyNFT', '')) ? [{ labels: '{}', value: 1 }] : [],
    })),
  });
  if (status !== 0) throw new Error(said);
}

/** Fails unless each query has a value at a moment. */
export function assertAnswered(
  interval: string,
  series: readonly Series[],
  queries: readonly string[],
  at: string,
): void {
  const { status, said } = testRules({
    interval,
    input_series: series,
    promql_expr_test: queries.map((expr) => ({
      expr: `group(${expr})`,
      eval_time: at,
      exp_samples: [{ labels: '{}', value: 1 }],
    })),
  });
  if (status !== 0) throw new Error(said);
}

/** What promtool says where an alert fires and none is expected: labels and annotations as people get them. */
export function shownAlert(interval: string, series: readonly Series[], at: string, name: string): string {
  return testRules({
    interval,
    input_series: series,
    alert_rule_test: [{ eval_time: at, alertname: `KubeProxyNFT${name}`, exp_alerts: [] }],
  }).said;
}

function testRules(test: object): Answer {
  // JSON is YAML.
  const text = JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval: EVALUATED, tests: [test] });
  return withFiles({ 'rules.yml': plainRules(), 'test.yml': text }, (folder) =>
    runPromtool(['test', 'rules', join(folder, 'test.yml')]),
  );
}

/** What promtool says of a file of rules. */
export function checkRules(text: string): Answer {
  return withFiles({ 'rules.yml': text }, (folder) => runPromtool(['check', 'rules', join(folder, 'rules.yml')]));
}

function withFiles(files: Readonly<Record<string, string>>, check: (folder: string) => Answer): Answer {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-rules-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
