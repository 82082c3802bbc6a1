import { writeFileSync } from 'node:fs';
import { readConfigurationFile } from '../config/read.ts';
import { whenConfigurationChanges } from '../config/watch.ts';
import { formatConfiguration } from '../config/write.ts';
import { messageOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type LogFormat, oneLine } from '../log-line.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { print } from './print.ts';

/**
 * The command line read again, with the configuration file that it names. Whatever else is wrong with that, `onFormat` is
 * told how the log is to be written, if the file says so.
 * @throws ProxyError E_CONFIG with every problem of the file, E_USAGE
 */
export function withConfigurationFile(
  argv: readonly string[],
  path: string,
  onFormat: (format: LogFormat) => void,
): Arguments {
  const file = readConfigurationFile(path);
  if (file.given['logging.format'] === 'json') onFormat('json');
  if (file.problems.length > 0) throw new ProxyError('E_CONFIG', `invalid configuration: ${file.problems.join('; ')}`);
  return parseArguments(argv, file);
}

/**
 * `config validate`: prints that the file is valid, and which of its settings have no effect here; or all its problems.
 * Fields that nobody knows, with which a start only warns, are problems here.
 * @throws ProxyError E_CONFIG
 */
export function validateConfiguration({ config = '' }: Pick<Arguments, 'config'>): void {
  const { problems, unknown, notes } = readConfigurationFile(config);
  const found = [...problems, ...unknown];
  const lines = found.length > 0 ? found : [`${config}: valid`, ...notes];
  print(`${lines.map(oneLine).join('\n')}\n`);
  if (found.length === 0) return;
  throw new ProxyError('E_CONFIG', `${config}: ${found.length === 1 ? '1 problem' : `${found.length} problems`}`);
}

/**
 * --write-config-to: writes the configuration that the flags, or the file of --config, lead to. Others cannot read it.
 * @throws ProxyError E_CONFIG if it cannot be written
 */
export function writeConfiguration({ configuration, writeConfigTo = '' }: Arguments, log: Log): void {
  for (const field of ['healthzBindAddress', 'metricsBindAddress'] as const) {
    if (configuration[field] !== '') continue;
    log.warn(`${writeConfigTo}: that nothing listens (${field}) cannot be said in a file: there, empty is the default`);
  }
  try {
    writeFileSync(writeConfigTo, formatConfiguration(configuration), { mode: 0o600 });
  } catch (error) {
    throw new ProxyError('E_CONFIG', `--write-config-to: ${messageOf(error)}`, { cause: error });
  }
  log.info('configuration written', { file: writeConfigTo });
}

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
