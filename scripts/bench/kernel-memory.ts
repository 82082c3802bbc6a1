import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { load } from './new-flows.ts';
import type { Workspace } from './workspace.ts';

/** Milliseconds after which the kernel has freed what it could not free at once. */
const SETTLE = 1_000;

/** What holds elements, sets and their hash tables. */
const FIELDS = ['SUnreclaim', 'VmallocUsed', 'Percpu'];

/**
 * Bytes of kernel memory of the whole machine that nobody can reclaim: slabs, vmalloc and per-CPU memory. Something must be
 * large to be seen in it, and nothing else may happen meanwhile.
 */
export async function kernelMemory(): Promise<number> {
  await setTimeout(SETTLE);
  const lines = readFileSync('/proc/meminfo', 'utf8').split('\n');
  return FIELDS.reduce((sum, field) => {
    const kib = /\d+/.exec(lines.find((line) => line.startsWith(`${field}:`)) ?? '')?.[0];
    if (kib === undefined) throw new Error(`/proc/meminfo has no ${field}`);
    return sum + Number(kib) * 1024;
  }, 0);
}

/** Bytes that each Service takes, in a table of so many; `table`: that of a number of Services. */
export async function loadedMemory(
  workspace: Workspace,
  table: (services: number) => string,
  services: number,
): Promise<number> {
  const namespace = workspace.namespace('memory');
  load(workspace, namespace, table(0));
  const text = table(services);
  const before = await kernelMemory();
  // In place of the other one.
  load(workspace, namespace, `delete table ${/^table (\S+ \S+)/m.exec(text)?.[1]}\n${text}`);
  const after = await kernelMemory();
  workspace.clear();
  return (after - before) / services;
}
