import { dump } from 'js-yaml';
import { configurationDocument } from './configuration.ts';
import type { Configuration } from './fields.ts';

/** Formats data as YAML. */
export function formatYaml(data: unknown): string {
  return dump(data, { noRefs: true });
}

/** Formats a configuration as YAML for kube-proxy and readConfigurationFile. */
export function formatConfiguration(configuration: Configuration): string {
  return dump(configurationDocument(configuration));
}
