import type { Arguments } from '../config/arguments.ts';
import { readConfigurationFile } from '../config/read.ts';
import { ProxyError } from '../errors.ts';
import type { LogFormat } from '../log-line.ts';
import { parseArguments } from './parse-arguments.ts';

/**
 * Parses the command line again, with the configuration file that it names. Even if the file is invalid, `onFormat` receives
 * its log format, if it sets one.
 * @throws ProxyError E_CONFIG with all problems of the file, E_USAGE
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
