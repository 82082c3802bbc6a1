import type { Arguments } from '../config/arguments.ts';
import { readConfigurationFile } from '../config/read.ts';
import { ProxyError } from '../errors.ts';
import type { LogFormat } from '../log-line.ts';
import { parseArguments } from './parse-arguments.ts';

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
