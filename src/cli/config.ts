import { writeFileSync } from 'node:fs';
import type { Arguments } from '../config/arguments.ts';
import { readConfigurationFile } from '../config/read.ts';
import { formatConfiguration } from '../config/write.ts';
import { messageOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { oneLine } from '../log-line.ts';
import { print } from './print.ts';

/**
 * `config validate`: prints that the file is valid, and which of its settings have no effect; or all its problems. Unknown
 * fields are problems here, although the daemon only warns of them.
 * @throws ProxyError E_CONFIG
 */
export function validateConfiguration({ operands, config = '' }: Pick<Arguments, 'operands' | 'config'>): void {
  const path = operands[0] ?? config;
  const { problems, unknown, notes } = readConfigurationFile(path);
  const found = [...problems, ...unknown];
  const lines = found.length > 0 ? found : [`${path}: valid`, ...notes];
  print(`${lines.map(oneLine).join('\n')}\n`);
  if (found.length === 0) return;
  throw new ProxyError('E_CONFIG', `${path}: ${found.length === 1 ? '1 problem' : `${found.length} problems`}`);
}

/**
 * `config write`: writes the configuration that results from the flags or --config. Other users cannot read the file.
 * @throws ProxyError E_CONFIG if it cannot be written
 */
export function writeConfiguration({ configuration, operands: [file = ''] }: Arguments, log: Log): void {
  for (const field of ['healthzBindAddress', 'metricsBindAddress'] as const) {
    if (configuration[field] !== '') continue;
    log.warn(`${file}: a file cannot express that nothing listens (${field}), because empty means the default there`);
  }
  try {
    writeFileSync(file, formatConfiguration(configuration), { mode: 0o600 });
  } catch (error) {
    throw new ProxyError('E_CONFIG', `config write: ${messageOf(error)}`, { cause: error });
  }
  log.info('configuration written', { file });
}
