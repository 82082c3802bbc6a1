import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/*
 * Processes in /proc (proc(5)). They may end while they are read, and many may not be read by us. This is not an error: then
 * there is no result.
 */

/** The IDs of all visible processes. */
export function processIds(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

/** The words of a process's command line; none if it has ended. */
export function commandLineOf(pid: string | number): readonly string[] {
  return readProc(`${pid}/cmdline`)?.split('\0') ?? [];
}

/** The name of a process, which it can choose itself; undefined if it has ended. */
export function nameOf(pid: string | number): string | undefined {
  return readProc(`${pid}/comm`)?.trim();
}

/** The parent of a process; undefined if that has ended. */
export function parentOf(pid: string | number): number | undefined {
  const parent = /^PPid:\s*(\d+)$/m.exec(readProc(`${pid}/status`) ?? '')?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** A namespace of a process: "net:[4026531840]"; undefined if it has ended or may not be read by us. */
export function namespaceOf(pid: string | number, kind: 'net' | 'pid'): string | undefined {
  return readProcLink(`${pid}/ns/${kind}`);
}

/** What a process has open: each descriptor's link, "socket:[7654]". */
export function* descriptorsOf(pid: string | number): Iterable<string> {
  for (const descriptor of entriesOf(`${pid}/fd`)) {
    const link = readProcLink(`${pid}/fd/${descriptor}`);
    if (link !== undefined) yield link;
  }
}

/** A file below /proc; undefined if it does not exist or may not be read by us. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}

function readProcLink(path: string): string | undefined {
  try {
    return readlinkSync(`/proc/${path}`);
  } catch {
    return undefined;
  }
}

function entriesOf(path: string): readonly string[] {
  try {
    return readdirSync(`/proc/${path}`);
  } catch {
    return [];
  }
}
