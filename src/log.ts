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

/**
 * A log at verbosity `verbosity` (`-v`, 0 is quiet) whose lines go to `write`, stderr by default.
 * Line form: `I1122 22:03:01.123456 PID] message key="value"`, as klog writes it without the source position.
 */
export function createLog(verbosity: number, write: (line: string) => void = writeToStderr): Log {
  const line = (severity: string, message: string, fields: LogFields = {}) =>
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

function writeToStderr(line: string): void {
  process.stderr.write(line);
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
