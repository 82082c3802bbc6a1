import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const POSSIBLE = '/sys/devices/system/cpu/possible';

/**
 * How many CPUs the kernel is prepared for, which may be many more than exist: its memory for each CPU is allocated for that
 * many. If the kernel does not say, the existing CPUs.
 */
export function possibleCpus(): number {
  try {
    return cpusIn(readFileSync(POSSIBLE, 'latin1'));
  } catch {
    // Some containers have no /sys.
    return cpus().length;
  }
}

/** The CPUs in a list as the kernel prints it: "0-3,8". @throws Error if it is not a list */
function cpusIn(list: string): number {
  return list
    .trim()
    .split(',')
    .reduce((sum, part) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (first === undefined) throw new Error(`no list of CPUs: ${list}`);
      return sum + Number(last) - Number(first) + 1;
    }, 0);
}
