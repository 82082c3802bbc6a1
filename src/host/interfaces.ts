import { existsSync, readFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

let last: readonly NetworkInterfaceInfo[] | undefined;

/**
 * The addresses of this machine's interfaces. Reading them needs a socket. If there is no file descriptor or memory for one,
 * the result is the previous one.
 * @throws Error (uv_interface_addresses) if they could not be read before, either
 */
export function interfaceAddresses(read = networkInterfaces): readonly NetworkInterfaceInfo[] {
  try {
    last = Object.values(read()).flatMap((entries) => entries ?? []);
  } catch (error) {
    if (last === undefined) throw error;
  }
  return last;
}

/** Where the kernel lists the interfaces of this process's network namespace, including those without addresses. */
const DEVICES = '/proc/self/net/dev';

/** The addresses of each interface of this network namespace, by its name; empty if it has none or is down. */
export function interfacesByName(): ReadonlyMap<string, readonly NetworkInterfaceInfo[]> {
  const names = readFileSync(DEVICES, 'utf8').matchAll(/^\s*(\S+):/gm);
  const addresses = networkInterfaces();
  return new Map([...names].map(([, name = '']) => [name, addresses[name] ?? []]));
}

/** True if an interface is a bridge. `name`: of one that is there. */
export function isBridge(name: string): boolean {
  return existsSync(`/sys/class/net/${name}/bridge`);
}
