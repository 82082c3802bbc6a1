import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { readCommandLine } from './cli/command-line.ts';
import { COMMANDS } from './cli/commands.ts';
import { parseArguments } from './cli/parse-arguments.ts';
import { EXIT_CODES, errnoOf, messageOf, ProxyError } from './errors.ts';
import { compileLess } from './host/compile-less.ts';
import { createLog, journalPrefix } from './log.ts';
import { jsonLine, type LogFormat, oneLine } from './log-line.ts';

/** The log format, as far as it is known. An error before that is printed in the default format. */
let logFormat: LogFormat = 'text';

/**
 * Commands are loaded on demand: --version starts twice as fast without the API client, and the daemon does not load what
 * help and completion need.
 */
async function main(argv: readonly string[]): Promise<void> {
  nameProcess();
  process.stderr.on('error', (error) => {
    // The reader of the log has gone (journald, "| head"). That is no reason to stop serving.
    if (errnoOf(error) !== 'EPIPE') throw error;
  });
  const commandLine = readCommandLine(argv);
  if (commandLine.values.get('logging-format')?.at(-1) === 'json') logFormat = 'json';
  const flags = parseArguments(argv);
  const command = COMMANDS.find(({ name }) => name === flags.command) ?? COMMANDS[0];
  const args =
    command.readsConfiguration && flags.config !== undefined
      ? (await import('./cli/configuration-file.ts')).withConfigurationFile(argv, flags.config, (format) => {
          if (!commandLine.values.has('logging-format')) logFormat = format;
        })
      : flags;
  logFormat = args.logFormat;
  return command.run(args, createLog(args.verbosity, undefined, logFormat), COMMANDS);
}

/**
 * The name in top, pgrep and `ps -e`, where Node.js sets "MainThread". process.title would set it too, but would overwrite
 * the arguments that `ps -f` and `systemctl status` show.
 */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'kube-proxy-nft');
  } catch {
    // /proc may be read-only. The name is only for display.
  }
}

/** Ends the program with a last line on stderr: the error and its code. A bug also prints its stack. */
function fail(error: unknown): void {
  const [code, exitCode] =
    error instanceof ProxyError ? [error.code, error.exitCode] : ['E_INTERNAL', EXIT_CODES.E_INTERNAL];
  const stack = code === 'E_INTERNAL' && error instanceof Error ? stackOf(error) : undefined;
  const reason = oneLine(messageOf(error));
  const line =
    logFormat === 'json'
      ? jsonLine(
          { severity: 'E', level: 0, message: 'kube-proxy-nft ends', reason, fields: { code, exitCode, stack } },
          new Date(),
        )
      : `kube-proxy-nft: ${reason} [${code}]\n${stack === undefined ? '' : `${stack}\n`}`;
  process.stderr.write(`${journalPrefix('E')}${line}`);
  process.exit(exitCode);
}

/** The stack of an error, one line per frame. The message may come from outside, so it cannot add lines. */
function stackOf({ stack = '', message }: Error): string {
  const end = stack.indexOf(message) + message.length;
  const [rest = '', ...places] = stack.slice(end).split('\n');
  return [stack.slice(0, end) + rest, ...places].map(oneLine).join('\n');
}

process.once('uncaughtException', fail);
compileLess();
main(process.argv.slice(2)).catch(fail);
