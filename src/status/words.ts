/** The maximum number of names in a list. */
const LISTED = 5;

/** The first few of `count` names. */
export function listed(names: readonly string[], count = names.length): string {
  const shown = names.slice(0, LISTED).join(', ');
  return count > LISTED ? `${shown}, …` : shown;
}

/** "1 endpoint", "2 endpoints". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** "3 s", "5 min", "2 h", "4 d": milliseconds in human-readable form. */
export function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Names of fields with a time: "at", "startedAt", "waitingSince". */
const TIME = /^at$|At$|Since$/;

/** A copy in which times in milliseconds since 1970 are RFC 3339 texts. */
export function timesIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timesIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      typeof field === 'number' && TIME.test(name) ? new Date(field).toISOString() : timesIn(field),
    ]),
  );
}
