import { readFileSync } from 'node:fs';

/** The value of a sysctl of this network namespace, "net.ipv4.ip_forward"; undefined where it is not there, or not for us. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    // What is missing says something by that: a module is not loaded, a family is not there.
    return undefined;
  }
}
