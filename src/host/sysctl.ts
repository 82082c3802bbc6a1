import { readFileSync } from 'node:fs';

/**
 * The value of a sysctl of this network namespace, "net.ipv4.ip_forward"; undefined if it does not exist or may not be read
 * by us.
 */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    // A missing value has a meaning: a module is not loaded, or a family does not exist.
    return undefined;
  }
}
