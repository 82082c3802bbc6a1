import { createMetrics } from '../../src/metrics/metrics.ts';
import { recordingLog } from '../builders/recording-log.ts';

/** Of others: Prometheus itself, and kube-state-metrics. */
const OTHERS = [
  'up',
  'kube_daemonset_status_desired_number_scheduled',
  'kube_daemonset_status_number_ready',
  'kube_daemonset_status_updated_number_scheduled',
];

/** Labels that come from the target, not from /metrics. */
const OF_TARGET = new Set(['job', 'instance', 'cluster', 'daemonset']);

/** Metric names are followed by a selector, a range or the end of an operand; functions by a parenthesis. */
const NAME = /\b((?:kubeproxy|kubernetes|kube|process|nodejs|rest_client)_\w+|up)\b(\{[^}]*\})?/g;

/**
 * What a query uses and no /metrics has: names, and names with a label or its value. Samples are those of a daemon that
 * has just begun, with one request to the API server.
 */
export async function unknownMetrics(query: string): Promise<readonly string[]> {
  const metrics = createMetrics({ families: ['ip', 'ip6'], log: recordingLog().log });
  metrics.apiRequest('GET', '10.0.0.1:6443', 200);
  const samples = new Map<string, Record<string, string>[]>(OTHERS.map((name) => [name, [{}]]));
  for (const [, name = '', labels = ''] of (await metrics.render()).matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)) {
    const found = samples.get(name) ?? [];
    found.push(Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value])));
    samples.set(name, found);
  }
  return [...query.matchAll(NAME)].flatMap(([, name = '', selector = '']) => {
    const having = samples.get(name);
    if (having === undefined) return [name];
    const wanted = [...selector.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].filter(
      ([, label = '']) => !OF_TARGET.has(label),
    );
    const missing = wanted.filter(([, label = '', operator = '', value = '']) => {
      const values = having.map((labels) => labels[label]);
      if (value.includes('$') || operator.startsWith('!')) return values.some((one) => one === undefined);
      const wantedValues = operator === '=' ? [value] : value.split('|');
      return wantedValues.some(
        (one) => !values.some((has) => has !== undefined && new RegExp(`^(?:${one})$`).test(has)),
      );
    });
    return missing.map(([, label = '', operator = '', value = '']) => `${name}{${label}${operator}"${value}"}`);
  });
}
