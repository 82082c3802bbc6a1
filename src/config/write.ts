import { dump } from 'js-yaml';
import { configurationDocument } from './configuration.ts';
import type { Configuration } from './fields.ts';

/** Data as YAML. */
export function formatYaml(data: unknown): string {
  return dump(data, { noRefs: true });
}

/** A configuration as YAML, which kube-proxy and readConfigurationFile read. */
export function formatConfiguration(configuration: Configuration): string {
  return dump(configurationDocument(configuration));
}
