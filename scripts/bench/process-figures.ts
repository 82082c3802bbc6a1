import { readFileSync } from 'node:fs';

/** Memory of one process, in MiB. */
export interface ProcessMemory {
  readonly rss: number;
  /** Anonymous pages: what the process does not share with the file it was started from. */
  readonly rssAnon: number;
  /** The largest RSS so far. */
  readonly peak: number;
}

/** Reads /proc/PID/status. */
export function memoryOf(pid: number): ProcessMemory {
  return parseStatus(readFileSync(`/proc/${pid}/status`, 'ascii'));
}

/** @throws Error where a line is missing: it is no status of a process that lives */
export function parseStatus(status: string): ProcessMemory {
  const mebibytes = (field: string) => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`no ${field} in a process's status`);
    return Number(kibibytes) / 1024;
  };
  return { rss: mebibytes('VmRSS'), rssAnon: mebibytes('RssAnon'), peak: mebibytes('VmHWM') };
}

/** Linux's USER_HZ, the same on all architectures we run on. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU a process has used, with all children it had, ended or alive. */
export function cpuSecondsOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'ascii').trim().split(' ').filter(Boolean);
  return ownCpuSeconds(pid) + children.reduce((sum, child) => sum + cpuSecondsOf(Number(child)), 0);
}

function ownCpuSeconds(pid: number): number {
  return parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'ascii'));
}

/** From /proc/PID/stat: user and system time, own and of children that ended. */
export function parseCpuSeconds(stat: string): number {
  // The name, in parentheses, may hold spaces; utime is the 12th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}
