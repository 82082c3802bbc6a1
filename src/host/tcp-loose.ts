import { readFileSync } from 'node:fs';

const FILE = '/proc/sys/net/netfilter/nf_conntrack_tcp_loose';

/**
 * Whether conntrack takes a packet in the middle of an unknown TCP connection for a new connection, in this network
 * namespace (net.netfilter.nf_conntrack_tcp_loose). True, which is the default, if the kernel does not say.
 */
export function isTcpLoose(read: (path: string) => string = (path) => readFileSync(path, 'latin1')): boolean {
  try {
    return read(FILE).trim() !== '0';
  } catch {
    // The module is not loaded yet.
    return true;
  }
}
