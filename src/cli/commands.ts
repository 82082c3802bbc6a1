import type { Command } from './command.ts';
import { CHECK } from './commands/check.ts';
import { CLEANUP } from './commands/cleanup.ts';
import { COMPLETION } from './commands/completion.ts';
import { CONFIG_VALIDATE } from './commands/config-validate.ts';
import { CONFIG_WRITE } from './commands/config-write.ts';
import { DIFF } from './commands/diff.ts';
import { DUMP } from './commands/dump.ts';
import { GET_ENDPOINTS } from './commands/get-endpoints.ts';
import { GET_SERVICES } from './commands/get-services.ts';
import { HELP } from './commands/help.ts';
import { INIT } from './commands/init.ts';
import { INIT_POD } from './commands/init-pod.ts';
import { MAN } from './commands/man.ts';
import { MIGRATE } from './commands/migrate.ts';
import { RUN } from './commands/run.ts';
import { STATUS } from './commands/status.ts';
import { SUPPORT } from './commands/support.ts';
import { TOP } from './commands/top.ts';
import { TRACE } from './commands/trace.ts';
import { VERSION_COMMAND } from './commands/version.ts';

/** All commands, in the order of the help text. A command line without a command runs the first one. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  RUN,
  STATUS,
  GET_SERVICES,
  GET_ENDPOINTS,
  TOP,
  TRACE,
  DUMP,
  DIFF,
  CHECK,
  SUPPORT,
  CONFIG_VALIDATE,
  CONFIG_WRITE,
  INIT,
  INIT_POD,
  MIGRATE,
  CLEANUP,
  VERSION_COMMAND,
  COMPLETION,
  MAN,
  HELP,
];
