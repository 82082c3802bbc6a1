import { fstatSync } from 'node:fs';
import process from 'node:process';

/** Key and value pairs of a log line; undefined values are left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes log lines in klog's text form, the one operators of Kubernetes nodes know how to grep. */
export interface Log {
  /** Something an operator wants to see in normal operation. */
  info(message: string, fields?: LogFields): void;
  /** Something is wrong with an input or a peer; the rest goes on. */
  warn(message: string, fields?: LogFields): void;
  /** Something we are responsible for failed. */
  error(message: string, fields?: LogFields): void;
  /** Detail shown from verbosity `level` on (`-v`). */
  detail(level: number, message: string, fields?: LogFields): void;
}

type Severity = 'I' | 'W' | 'E';

/** syslog's priorities: informational, warning, error. */
const PRIORITIES = { I: 6, W: 4, E: 3 } as const;

/**
 * A log at verbosity `verbosity` (`-v`, 0 is quiet) whose lines go to `write`, stderr by default.
 * Line form: `I1122 22:03:01.123456 PID] message key="value"`, as klog writes it without the source position.
 */
export function createLog(verbosity: number, write: (line: string) => void = stderrWriter()): Log {
  const line = (severity: Severity, message: string, fields: LogFields = {}) =>
    write(`${severity}${timestamp(new Date())} ${process.pid}] ${oneLine(message)}${formatFields(fields)}\n`);
  return {
    info: (message, fields) => line('I', message, fields),
    warn: (message, fields) => line('W', message, fields),
    error: (message, fields) => line('E', message, fields),
    detail: (level, message, fields) => {
      if (verbosity >= level) line('I', message, fields);
    },
  };
}

/**
 * What to begin a line on stderr with, so that journald knows its priority (`journalctl -p warning`): "<4>" for "W", and
 * nothing where stderr does not lead to it. journald takes it off again (SyslogLevelPrefix= of systemd.exec(5)).
 */
export function journalPrefix(severity: string): string {
  const priority = leadsToJournal(2, process.env['JOURNAL_STREAM']) ? PRIORITIES[severity as Severity] : undefined;
  return priority === undefined ? '' : `<${priority}>`;
}

/** Whether a file descriptor is what JOURNAL_STREAM names, as "device:inode". A process may inherit that name alone. */
export function leadsToJournal(fd: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return journalStream === `${dev}:${ino}`;
  } catch {
    // It is closed: then it leads nowhere.
    return false;
  }
}

function stderrWriter(): (line: string) => void {
  const prefixes = new Map(Object.keys(PRIORITIES).map((severity) => [severity, journalPrefix(severity)]));
  return (line) => process.stderr.write(`${prefixes.get(line[0] ?? '') ?? ''}${line}`);
}

/** Characters. Text from outside may be part of a message. */
const MAX_MESSAGE = 1000;

/** Text from outside must not be able to forge a second log line, or to talk to the reader's terminal. */
function oneLine(text: string): string {
  const line = text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/\p{Cc}/gu, '?');
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE)}...`;
}

function formatFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
    .join('');
}

function timestamp(now: Date): string {
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  const date = pad(now.getMonth() + 1, 2) + pad(now.getDate(), 2);
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map((part) => pad(part, 2)).join(':');
  return `${date} ${time}.${pad(now.getMilliseconds(), 3)}000`;
}
