import type { Arguments } from '../config/arguments.ts';
import { whenConfigurationChanges } from '../config/watch.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
/**
 * Fails when the configuration file sets other things than it did; resolves when `signal` is aborted. The process is to
 * end with the failure and to be started again with what is new, as kube-proxy is: the rules stay in place meanwhile.
 * @throws ProxyError E_CONFIG_CHANGED
 */
export async function failOnConfigurationChange(
  { config = '', fileFields }: Pick<Arguments, 'config' | 'fileFields'>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await whenConfigurationChanges(config, fileFields, log, signal);
  if (signal.aborted) return;
  const message = `${config} has changed: ending, to be started again with it; the rules stay in place`;
  throw new ProxyError('E_CONFIG_CHANGED', message);
}
