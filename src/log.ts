import { fstatSync } from 'node:fs';
import process from 'node:process';
import { jsonLine, type LogFields, type LogFormat, oneLine, type Severity, textLine } from './log-line.ts';

/** Writes log lines in klog's text format, which operators of Kubernetes nodes know, or in Kubernetes' JSON format. */
export interface Log {
  /** Something an operator wants to see in normal operation. */
  info(message: string, fields?: LogFields): void;
  /** Something is wrong with an input or a peer. Everything else continues. */
  warn(message: string, fields?: LogFields): void;
  /** Something we are responsible for failed; `reason` says why. */
  error(message: string, reason: string, fields?: LogFields): void;
  /** Detail shown from verbosity `level` on (`-v`). */
  detail(level: number, message: string, fields?: LogFields): void;
}

/** Writes a line, which includes its line end. */
export type WriteLine = (line: string, severity: Severity) => void;

/** syslog's priorities: informational, warning, error. */
const PRIORITIES = { I: 6, W: 4, E: 3 } as const;

/** Characters. Text from outside may be part of a message. */
const MAX_MESSAGE = 1000;

/** A log at verbosity `verbosity` (`-v`, 0 is quiet), whose lines go to `write`, by default stderr. */
export function createLog(verbosity: number, write: WriteLine = stderrWriter(), format: LogFormat = 'text'): Log {
  const lineOf = format === 'json' ? jsonLine : textLine;
  const log = (severity: Severity, level: number, message: string, fields: LogFields = {}, reason?: string) => {
    const said = { message: bounded(message), ...(reason !== undefined && { reason: bounded(reason) }) };
    write(lineOf({ severity, level, ...said, fields }, new Date()), severity);
  };
  return {
    info: (message, fields) => log('I', 0, message, fields),
    warn: (message, fields) => log('W', 0, message, fields),
    error: (message, reason, fields) => log('E', 0, message, fields, reason),
    detail: (level, message, fields) => {
      if (verbosity >= level) log('I', level, message, fields);
    },
  };
}

/**
 * The prefix of a line on stderr with which journald knows its priority (`journalctl -p warning`): "<4>" for "W", and
 * nothing if stderr does not lead to journald. journald removes it (SyslogLevelPrefix= of systemd.exec(5)).
 */
export function journalPrefix(severity: Severity): string {
  return leadsToJournal(2, process.env['JOURNAL_STREAM']) ? `<${PRIORITIES[severity]}>` : '';
}

/** Whether a file descriptor is what JOURNAL_STREAM names, as "device:inode". A process may inherit only the variable. */
export function leadsToJournal(fd: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return journalStream === `${dev}:${ino}`;
  } catch {
    // It is closed, so it leads nowhere.
    return false;
  }
}

function stderrWriter(): WriteLine {
  const prefixes = { I: journalPrefix('I'), W: journalPrefix('W'), E: journalPrefix('E') };
  return (line, severity) => process.stderr.write(`${prefixes[severity]}${line}`);
}

function bounded(text: string): string {
  const line = oneLine(text);
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE)}...`;
}
