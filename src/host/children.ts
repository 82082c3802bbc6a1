/** The maximum number of remembered process IDs. */
const MOST = 4096;

const STARTED = new Set<number>();

/** Notes a process that this one has started. */
export function rememberChild(pid: number | undefined): void {
  if (pid === undefined) return;
  const [oldest] = STARTED;
  if (STARTED.size >= MOST && oldest !== undefined) STARTED.delete(oldest);
  STARTED.delete(pid);
  STARTED.add(pid);
}

/** True for a process that this one has started, even if it has ended. The last few thousand are known. */
export function isChild(pid: number): boolean {
  return STARTED.has(pid);
}
