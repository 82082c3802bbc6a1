import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArguments, usesConfigurationFile } from './cli/arguments.ts';
import { informationAsked, readCommandLine } from './cli/command-line.ts';
import { EXIT_CODES, errnoOf, messageOf, ProxyError } from './errors.ts';
import { createLog, journalPrefix } from './log.ts';
import { versionLine } from './version.ts';

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
  const asked = informationAsked(readCommandLine(argv));
  if (asked !== undefined) return (await import('./cli/help/print.ts')).printInformation(asked);
  const flags = parseArguments(argv);
  const args = usesConfigurationFile(flags)
    ? (await import('./cli/config.ts')).withConfigurationFile(argv, flags.config ?? '')
    : flags;
  const log = createLog(args.verbosity);
  switch (args.command) {
    case 'version':
      process.stdout.write(`${versionLine()}\n`);
      return;
    case 'dump':
    case 'trace':
      return (await import('./cli/show.ts')).show(args, log);
    case 'config-validate':
      return (await import('./cli/config.ts')).validateConfiguration(args);
    case 'write-config':
      return (await import('./cli/config.ts')).writeConfiguration(args, log);
    case 'init-only':
      return (await import('./cli/init.ts')).initialize(args, log);
    case 'cleanup':
      return (await import('./cli/cleanup.ts')).cleanup(log);
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

main(process.argv.slice(2)).catch((error: unknown) => {
  const [code, exitCode] =
    error instanceof ProxyError ? [error.code, error.exitCode] : ['E_INTERNAL', EXIT_CODES.E_INTERNAL];
  process.stderr.write(
    `${journalPrefix('E')}kube-proxy-nft: ${messageOf(error).replace(/\s*\n\s*/g, ' ')} [${code}]\n`,
  );
  if (code === 'E_INTERNAL' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(exitCode);
});
