import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArguments, usesConfigurationFile } from './cli/arguments.ts';
import { informationAsked, readCommandLine } from './cli/command-line.ts';
import { EXIT_CODES, errnoOf, messageOf, ProxyError } from './errors.ts';
import { createLog, journalPrefix } from './log.ts';
import { jsonLine, type LogFormat, oneLine } from './log-line.ts';
import { versionLine } from './version.ts';

/** As far as it is known: also what ends the program before it is may be an error line. */
let logFormat: LogFormat = 'text';

/**
 * Commands are loaded when they are asked for: --version starts twice as fast without the API client, and the daemon
 * without what help and completion need.
 */
async function main(argv: readonly string[]): Promise<void> {
  nameProcess();
  process.stderr.on('error', (error) => {
    // Whoever read the log is gone (journald, "| head"): no reason to stop serving.
    if (errnoOf(error) !== 'EPIPE') throw error;
  });
  const commandLine = readCommandLine(argv);
  if (commandLine.values.get('logging-format')?.at(-1) === 'json') logFormat = 'json';
  const asked = informationAsked(commandLine);
  if (asked !== undefined) return (await import('./cli/help/print.ts')).printInformation(asked);
  const flags = parseArguments(argv);
  const args = usesConfigurationFile(flags)
    ? (await import('./cli/config.ts')).withConfigurationFile(argv, flags.config ?? '', (format) => {
        if (!commandLine.values.has('logging-format')) logFormat = format;
      })
    : flags;
  logFormat = args.logFormat;
  const log = createLog(args.verbosity, undefined, logFormat);
  switch (args.command) {
    case 'version':
      process.stdout.write(`${versionLine()}\n`);
      return;
    case 'dump':
    case 'trace':
      return (await import('./cli/show.ts')).show(args, log);
    case 'status':
      return (await import('./cli/status.ts')).status(args, log);
    case 'get':
      return (await import('./cli/get.ts')).get(args, log);
    case 'config-validate':
      return (await import('./cli/config.ts')).validateConfiguration(args);
    case 'write-config':
      return (await import('./cli/config.ts')).writeConfiguration(args, log);
    case 'init-only':
      return (await import('./cli/init.ts')).initialize(args, log);
    case 'cleanup':
      return (await import('./cli/cleanup.ts')).cleanup(args.runDir, log);
    case 'migrate':
      return (await import('./cli/migrate.ts')).migrate({ mode: args.migration, runDir: args.runDir }, log);
    case 'run':
      return (await import('./cli/run.ts')).run(args, log);
  }
}

/**
 * What top, pgrep and `ps -e` show; Node says "MainThread". process.title would do it, too, but in the place of the
 * arguments, which people read in `ps -f` and `systemctl status`.
 */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'kube-proxy-nft');
  } catch {
    // A /proc that is not for us to write: the name is for people's eyes only.
  }
}

/** Ends the program with the last line on stderr: what happened, and its code. Of a fault of ours, where it is, too. */
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

/** The stack of an error, a place a line. What its message holds, which may be from outside, makes no line of its own. */
function stackOf({ stack = '', message }: Error): string {
  const end = stack.indexOf(message) + message.length;
  const [rest = '', ...places] = stack.slice(end).split('\n');
  return [stack.slice(0, end) + rest, ...places].map(oneLine).join('\n');
}

process.once('uncaughtException', fail);
main(process.argv.slice(2)).catch(fail);
