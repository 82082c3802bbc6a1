import { readFileSync } from 'node:fs';

/** Kilobytes of memory that a process has in use; 0 once it is gone. */
export function residentMemory(pid: number | undefined): number {
  try {
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    // Who started it is told of its exit by an event.
    return 0;
  }
}
