import { oneLine } from '../log-line.ts';

/** What /statusz tells of the process. Times in milliseconds since 1970. */
export interface ProcessStatus {
  readonly started: number;
  readonly now: number;
  /** Ours, and that of Node.js. */
  readonly version: string;
  readonly node: string;
  /** What else is served at the same address, sorted. */
  readonly paths: readonly string[];
}

/** /statusz as text, as components of Kubernetes have it (KEP-4827): what runs here, and since when. */
export function statuszText({ started, now, version, node, paths }: ProcessStatus): string {
  const up = Math.max(0, Math.floor((now - started) / 1000));
  const [minutes, seconds] = [Math.floor(up / 60) % 60, up % 60].map((part) => String(part).padStart(2, '0'));
  const lines = [
    `Started: ${unixDate(started)}`,
    `Up: ${Math.floor(up / 3600)} hr ${minutes} min ${seconds} sec`,
    `Node.js version: ${node}`,
    `Binary version: ${version}`,
    '',
    `Paths: ${paths.join(' ')}`,
  ];
  return `${header('statusz')}\n${lines.join('\n')}\n`;
}

/** /flagz as text, as components of Kubernetes have it (KEP-4828): every flag by its name, and its value. */
export function flagzText(flags: ReadonlyMap<string, string>): string {
  const lines = [...flags].map(([name, value]) => `${name}=${oneLine(value)}\n`).sort();
  return `${header('flagz')}${lines.join('')}`;
}

/** Under kube-proxy's name, as the metrics. */
function header(page: string): string {
  return `\nkube-proxy ${page}\nWarning: this page is for debugging. Its format may change; programs should use /metrics and /configz.\n`;
}

/** As Go's time.UnixDate, in UTC: "Sun Nov  9 13:26:03 UTC 2026". */
function unixDate(time: number): string {
  const [, weekday, day = '', month, year, clock] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(new Date(time).toUTCString()) ?? [];
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${clock} UTC ${year}`;
}
