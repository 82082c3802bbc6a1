import { existsSync, readFileSync } from 'node:fs';
import { FAMILIES, type Family } from '../ip.ts';
import type { Log } from '../log.ts';

/** Present if and only if the kernel has IPv6. */
const IPV6_SYSCTLS = '/proc/sys/net/ipv6';

/** The addresses of the interfaces. */
const IPV6_ADDRESSES = '/proc/net/if_inet6';

/** 1: no interface has IPv6, whatever the kernel supports. */
const IPV6_DISABLED = '/proc/sys/net/ipv6/conf/all/disable_ipv6';

/** The families in which this node can be served, by the same criteria as kube-proxy. Warns if one is missing. */
export function servedFamilies(log: Log): readonly Family[] {
  const missing = !existsSync(IPV6_ADDRESSES)
    ? 'this kernel has no IPv6'
    : isOne(IPV6_DISABLED)
      ? 'IPv6 is disabled (net.ipv6.conf.all.disable_ipv6 is 1)'
      : undefined;
  if (missing === undefined) return FAMILIES;
  log.warn(`${missing}: only IPv4 Services are served`);
  return ['ip'];
}

/** The families of which the kernel may have tables, even if IPv6 has been disabled since they were created. */
export function kernelFamilies(): readonly Family[] {
  return existsSync(IPV6_SYSCTLS) ? FAMILIES : ['ip'];
}

function isOne(path: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').trim() === '1';
}
