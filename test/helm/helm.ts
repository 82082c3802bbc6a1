import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import * as v from 'valibot';
import { type Outcome, runTool } from '../release/run-tool.ts';

export const CHART = join(import.meta.dirname, '..', '..', 'deploy', 'helm', 'kube-proxy-nft');

/**
 * Runs `helm template` or `helm lint` in kube-system of a Kubernetes that the chart is for: without a cluster, a helm that
 * Go has built assumes 1.20. Throws where there is no helm, or it was ended by a signal.
 */
export const helm = (command: 'template' | 'lint', ...args: readonly string[]): Outcome =>
  runTool('helm', [command, '--kube-version', '1.29.0', '--namespace', 'kube-system', ...args]);

const KubernetesObject = v.looseObject({
  apiVersion: v.string(),
  kind: v.string(),
  metadata: v.looseObject({ name: v.string(), namespace: v.optional(v.string()) }),
});
export type KubernetesObject = v.InferOutput<typeof KubernetesObject>;

/** The objects in a text of YAML. */
export const objectsIn = (text: string): KubernetesObject[] =>
  loadAll(text)
    .filter((object) => object !== null)
    .map((object) => v.parse(KubernetesObject, object));

/** The objects that the chart renders in kube-system, with more flags of `helm template`. Throws where helm fails. */
export function rendered(...flags: readonly string[]): KubernetesObject[] {
  const { code, stdout, stderr } = helm('template', 'kube-proxy-nft', CHART, ...flags);
  if (code !== 0) throw new Error(`helm template ${flags.join(' ')}: ${stderr}`);
  return objectsIn(stdout);
}
