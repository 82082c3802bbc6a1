import { existsSync, readdirSync, readFileSync } from 'node:fs';

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

/** RSS and RssAnon of a process and all its children that live. Pages they share count for each. */
export function memoryWithChildren(pid: number): Pick<ProcessMemory, 'rss' | 'rssAnon'> {
  const read = (process: number): Pick<ProcessMemory, 'rss' | 'rssAnon'> => memoryOf(process);
  return overTree(pid, read, (one, other) => ({
    rss: one.rss + other.rss,
    rssAnon: one.rssAnon + other.rssAnon,
  }));
}

/** Linux's USER_HZ, the same on all architectures we run on. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU a process has used, with all children it had, ended or alive. */
export function cpuSecondsOf(pid: number): number {
  return overTree(pid, ownCpuSeconds, (one, other) => one + other);
}

/**
 * As cpuSecondsOf, but to the microsecond of what still lives: ticks of 10 ms are too coarse for a process that does
 * next to nothing. Good for differences, while no thread ends.
 */
export function fineCpuSecondsOf(pid: number): number {
  return overTree(pid, ownFineCpuSeconds, (one, other) => one + other);
}

/** How often a process tree is read anew because a process ended in the middle of that. */
const ATTEMPTS = 100;

/** Reads one figure of a process and all its children. Throws if it has ended, or for an endless coming and going. */
function overTree<T>(pid: number, read: (pid: number) => T, add: (one: T, other: T) => T): T {
  const sumOf = (root: number): T => childrenOf(root).map(sumOf).reduce(add, read(root));
  for (let attempt = 1; ; attempt++) {
    try {
      return sumOf(pid);
    } catch (error) {
      if (attempt === ATTEMPTS || !existsSync(`/proc/${pid}`)) throw error;
    }
  }
}

/** Children of all threads: a Go program starts them from any. */
function childrenOf(pid: number): readonly number[] {
  return threadsOf(pid).flatMap((thread) =>
    readFileSync(`${thread}/children`, 'ascii').trim().split(' ').filter(Boolean).map(Number),
  );
}

/** Their folders in /proc. */
function threadsOf(pid: number): readonly string[] {
  const directory = `/proc/${pid}/task`;
  return readdirSync(directory).map((tid) => `${directory}/${tid}`);
}

function ownFineCpuSeconds(pid: number): number {
  const nanoseconds = threadsOf(pid).reduce(
    (sum, thread) => sum + Number(readFileSync(`${thread}/schedstat`, 'ascii').split(' ')[0]),
    0,
  );
  return nanoseconds / 1e9 + parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'ascii')).ended;
}

function ownCpuSeconds(pid: number): number {
  const { own, ended } = parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'ascii'));
  return own + ended;
}

/** From /proc/PID/stat: user and system time, its own and that of children that ended. */
export function parseCpuSeconds(stat: string): { readonly own: number; readonly ended: number } {
  // The name, in parentheses, may hold spaces; utime is the 12th field after it.
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return { own: (user + system) / TICKS_PER_SECOND, ended: (childUser + childSystem) / TICKS_PER_SECOND };
}
