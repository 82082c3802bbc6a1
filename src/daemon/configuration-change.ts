import type { Arguments } from '../config/arguments.ts';
import { whenConfigurationChanges } from '../config/watch.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
/**
 * Rejects when the configuration file changes a setting; resolves when `signal` is aborted. As in kube-proxy, the process
 * should exit with this error and be restarted with the new configuration. Meanwhile the rules stay in place.
 * @throws ProxyError E_CONFIG_CHANGED
 */
export async function failOnConfigurationChange(
  { config = '', fileFields }: Pick<Arguments, 'config' | 'fileFields'>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await whenConfigurationChanges(config, fileFields, log, signal);
  if (signal.aborted) return;
  const message = `${config} has changed: exiting to be restarted with the new configuration; the rules stay in place`;
  throw new ProxyError('E_CONFIG_CHANGED', message);
}
