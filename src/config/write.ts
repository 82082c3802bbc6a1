import { dump } from 'js-yaml';
import { configurationDocument } from './configuration.ts';
import type { Configuration } from './fields.ts';

/** A configuration as YAML, which kube-proxy and readConfigurationFile read. */
export function formatConfiguration(configuration: Configuration): string {
  return dump(configurationDocument(configuration));
}
