import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const POSSIBLE = '/sys/devices/system/cpu/possible';

/**
 * How many CPUs the kernel has made itself ready for, which may be many more than there are: what it keeps for each CPU is
 * for so many. Those that are there, where it does not say.
 */
export function possibleCpus(): number {
  try {
    return cpusIn(readFileSync(POSSIBLE, 'latin1'));
  } catch {
    // Some containers have no /sys.
    return cpus().length;
  }
}

/** The CPUs of a list as the kernel prints it: "0-3,8". @throws Error if it is none */
export function cpusIn(list: string): number {
  return list
    .trim()
    .split(',')
    .reduce((sum, part) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (first === undefined) throw new Error(`no list of CPUs: ${list}`);
      return sum + Number(last) - Number(first) + 1;
    }, 0);
}
