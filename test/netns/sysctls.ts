import { inNamespace, runSync } from './namespaces.ts';
import type { WorldOptions } from './world.ts';

/** Paths below /proc/sys and the values to write, in order. */
type Sysctls = readonly (readonly [path: string, value: number | string])[];

/** What every namespace of the world needs before it has an interface. All of them are per network namespace. */
export function worldSysctls(isNode: boolean, options: WorldOptions): Sysctls {
  const ipv6 = options.ipv6 ?? true;
  const all: [string, number | string][] = [];
  for (const scope of ['all', 'default']) {
    // Replies may come from anywhere, and a Service's packets may leave by the interface they came in by.
    all.push([`net/ipv4/conf/${scope}/rp_filter`, 0]);
    all.push([`net/ipv4/conf/${scope}/send_redirects`, 0]);
    all.push([`net/ipv4/conf/${scope}/accept_redirects`, 0]);
    if (ipv6) {
      // Addresses are usable at once, and nothing but the tests' own packets is on the wire.
      all.push([`net/ipv6/conf/${scope}/accept_dad`, 0]);
      all.push([`net/ipv6/conf/${scope}/dad_transmits`, 0]);
      all.push([`net/ipv6/conf/${scope}/accept_ra`, 0]);
      all.push([`net/ipv6/conf/${scope}/router_solicitations`, 0]);
      all.push([`net/ipv6/conf/${scope}/accept_redirects`, 0]);
    }
  }
  if (!ipv6) all.push(['net/ipv6/conf/all/disable_ipv6', 1], ['net/ipv6/conf/default/disable_ipv6', 1]);
  if (options.icmpRateLimit === false) {
    all.push(['net/ipv4/icmp_ratelimit', 0], ['net/ipv4/icmp_msgs_per_sec', 100_000_000]);
    all.push(['net/ipv4/icmp_msgs_burst', 1_000_000]);
    if (ipv6) all.push(['net/ipv6/icmp/ratelimit', 0]);
  }
  // The client's ports, so that one address can make many connections.
  all.push(['net/ipv4/ip_local_port_range', '1024 65535']);
  if (!isNode && ipv6) {
    // IPv4 lets a socket bind to any address of a local route; IPv6 needs this.
    all.push(['net/ipv6/ip_nonlocal_bind', 1]);
  }
  if (isNode) {
    all.push(['net/ipv4/ip_forward', 1]);
    if (ipv6) all.push(['net/ipv6/conf/all/forwarding', 1]);
    const udp = options.udpTimeoutSeconds ?? { unreplied: 5, replied: 10 };
    all.push(['net/netfilter/nf_conntrack_udp_timeout', udp.unreplied]);
    all.push(['net/netfilter/nf_conntrack_udp_timeout_stream', udp.replied]);
    // The clients reset their connections when they have their answer: such an entry is of no more use.
    all.push(['net/netfilter/nf_conntrack_tcp_timeout_close', 2]);
    all.push(['net/netfilter/nf_conntrack_tcp_timeout_time_wait', 2]);
  }
  return all;
}

/**
 * Writes sysctls inside one network namespace. Throws, naming the path, where the kernel refuses one. Loads the
 * conntrack module first where it is one and not loaded yet: its sysctls do not exist before.
 */
export function setSysctls(namespace: string, sysctls: Sysctls): void {
  const lines = sysctls.map(([path, value]) => {
    const load = path.includes('nf_conntrack') ? `[ -e /proc/sys/${path} ] || modprobe nf_conntrack; ` : '';
    return `${load}echo '${value}' > /proc/sys/${path}`;
  });
  runSync(inNamespace(namespace, ['sh', '-e']), { input: `${lines.join('\n')}\n` });
}
