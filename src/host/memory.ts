import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import process from 'node:process';
import { getHeapStatistics } from 'node:v8';

/**
 * Reads the limit of this process's cgroup (memory.max of version 2, memory.limit_in_bytes of version 1, as libuv finds
 * them), otherwise the machine's memory, and the limit of the heap, all in bytes. `isOwn`: the limit is not the machine's.
 */
export function readMemory(): { readonly available: number; readonly isOwn: boolean; readonly heap: number } {
  const [limit, machine] = [process.constrainedMemory(), totalmem()];
  const isOwn = limit > 0 && limit < machine;
  return { available: isOwn ? limit : machine, isOwn, heap: getHeapStatistics().heap_size_limit };
}

/** Bytes of memory that the machine has for a new program without swapping (MemAvailable of /proc/meminfo). */
export function availableMemory(): number {
  const [, kibibytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}
