import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

let last: readonly NetworkInterfaceInfo[] | undefined;

/**
 * The addresses of this machine's interfaces. Reading them takes a socket: where there is no file descriptor or memory for
 * one just now, they are those of before.
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
