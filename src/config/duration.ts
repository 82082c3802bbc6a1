/** Nanoseconds. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** The maximum of an int64 of nanoseconds, in milliseconds: about 292 years. */
const MAX = 2 ** 63 / 1e6;

/**
 * Parses a duration as Go's time.ParseDuration does ("30s", "1h0m0s", "1.5h", "-2ms", "0"), the format of the API type
 * meta/v1 Duration. In milliseconds; undefined if it is invalid.
 */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (text.length > 100 || !/^[+-]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let nanoseconds = 0;
  for (const [, amount, unit = ''] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    nanoseconds += Number(amount) * (UNITS[unit] ?? Number.NaN);
  }
  const milliseconds = Math.round(nanoseconds) / 1e6;
  if (!(milliseconds < MAX)) return undefined;
  return text.startsWith('-') && milliseconds !== 0 ? -milliseconds : milliseconds;
}

/** A duration of milliseconds as Go prints it: "30s", "1h0m0s", "1.5s", "250ms", "0s". */
export function formatDuration(milliseconds: number): string {
  const nanoseconds = Math.round(Math.abs(milliseconds) * 1e6);
  if (nanoseconds === 0) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  if (nanoseconds < 1e9) {
    const [unit, size] = nanoseconds < 1e3 ? ['ns', 1] : nanoseconds < 1e6 ? ['µs', 1e3] : ['ms', 1e6];
    return `${sign}${nanoseconds / size}${unit}`;
  }
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = `${(nanoseconds % 60e9) / 1e9}s`;
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours === 0 ? '' : `${hours}h`}${minutes % 60}m${seconds}`;
}
