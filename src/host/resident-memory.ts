import { readFileSync } from 'node:fs';

/** Kilobytes of memory that a process uses; 0 once it is gone. */
export function residentMemory(pid: number | undefined): number {
  try {
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    // An event reports its exit to whoever started it.
    return 0;
  }
}
