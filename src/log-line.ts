import process from 'node:process';

/** Key and value pairs of a log line; undefined values are left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** How lines are written: logging.format. */
export type LogFormat = 'text' | 'json';

/** Informational, warning, error: klog's letters. */
export type Severity = 'I' | 'W' | 'E';

/** The content of a log line. */
export interface LogEntry {
  readonly severity: Severity;
  /** The verbosity (`-v`) from which it is shown. */
  readonly level: number;
  readonly message: string;
  /** For errors: what went wrong. */
  readonly reason?: string;
  readonly fields: LogFields;
}

/**
 * A line in klog's format, without the source position: `I1122 22:03:01.123456 PID] message key="value"`. A reason follows
 * the message and a colon.
 */
export function textLine({ severity, message, reason, fields }: LogEntry, now: Date): string {
  const texts = pairsOf(fields).map(([key, value]) => ` ${key}=${quote(value)}`);
  const said = reason === undefined ? message : `${message}: ${reason}`;
  return `${severity}${timestamp(now)} ${process.pid}] ${said}${texts.join('')}\n`;
}

/**
 * A line in Kubernetes' JSON format (k8s.io/component-base/logs/json), without the source position (`caller`): `ts`,
 * milliseconds since 1970; `msg`; `v`, except for errors; the fields; `err` for errors. Kubernetes does not mark warnings in
 * it; ours have `severity`.
 */
export function jsonLine({ severity, level, message, reason, fields }: LogEntry, now: Date): string {
  const pairs: readonly (readonly [string, string | number | boolean])[] = [
    ['ts', now.getTime()],
    ['msg', message],
    ...(severity === 'E' ? [] : [['v', level] as const]),
    ...(severity === 'W' ? [['severity', 'warning'] as const] : []),
    ...pairsOf(fields),
    ...(reason === undefined ? [] : [['err', reason] as const]),
  ];
  return `{${pairs.map(([key, value]) => `${quote(key)}:${quote(value)}`).join()}}\n`;
}

/**
 * Characters that move a terminal's cursor, change the direction of text, or are invisible, except for line ends and tabs.
 */
const INVISIBLE = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Everything except visible ASCII, line ends and tabs. */
const BEYOND_ASCII = /[^\t\n -~]/;

/**
 * User name and password in a URL, or the part of them before a slash. The pattern excludes slashes, because it would
 * otherwise take quadratic time.
 */
const USER_INFO = /:\/\/[^\s"/]*@/g;

/**
 * Makes text from outside safe for a terminal, a log or a dump; nothing else does so. Invisible characters become their
 * number ("\u001b"), as in JSON, and user names and passwords in URLs are hidden. Line ends and tabs stay. JSON stays JSON
 * with the same meaning.
 */
export function visible(text: string): string {
  const nameless = text.includes('://') ? text.replace(USER_INFO, '://…@') : text;
  // Most of a dump is ASCII. Checking for anything else takes a tenth of the time.
  return BEYOND_ASCII.test(nameless) ? nameless.replace(INVISIBLE, escaped) : nameless;
}

/** The same in one line, so that text from outside cannot forge a second one. */
export function oneLine(text: string): string {
  const joined = text.replace(/\s+/g, (space) => (/[\n\r\t]/.test(space) ? ' ' : space));
  return visible(joined);
}

/** As JSON. */
function quote(value: string | number | boolean): string {
  // Before quoting, and after: JSON does not escape invisible characters beyond ASCII.
  return visible(JSON.stringify(typeof value === 'string' ? value.replace(USER_INFO, '://…@') : value));
}

function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
    '',
  );
}

function pairsOf(fields: LogFields): readonly (readonly [string, string | number | boolean])[] {
  return Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}

function timestamp(now: Date): string {
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  const date = pad(now.getMonth() + 1, 2) + pad(now.getDate(), 2);
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map((part) => pad(part, 2)).join(':');
  return `${date} ${time}.${pad(now.getMilliseconds(), 3)}000`;
}
