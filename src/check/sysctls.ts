import type { Family } from '../ip.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'sysctls';

/** The value of a sysctl; undefined if it does not exist. */
export type ReadSysctl = (name: string) => string | undefined;

const KEEP = 'put it in /etc/sysctl.d to keep it';

/** Percent of conntrack's entries from which new connections may soon be dropped. */
const NEARLY_FULL = 90;

/**
 * Checks the sysctls that packets from Services to pods depend on. `podBridges`: the bridges of this node that connect
 * pods.
 */
export function checkSysctls(
  read: ReadSysctl,
  families: readonly Family[],
  podBridges: readonly string[],
): readonly Finding[] {
  const findings = [
    ...forwarding(read, families),
    ...reversePath(read),
    ...bridges(read, podBridges),
    ...tracking(read),
  ];
  if (findings.length > 0) return findings;
  const shown = ['net.ipv4.ip_forward', 'net.ipv4.conf.all.rp_filter', 'net.bridge.bridge-nf-call-iptables'];
  const values = shown.flatMap((name) => {
    const value = read(name);
    return value === undefined ? [] : `${name.replace(/^net\.(?:ipv4\.conf\.|ipv4\.|bridge\.)/, '')} ${value}`;
  });
  return [ok(TOPIC, values.join(', '))];
}

function forwarding(read: ReadSysctl, families: readonly Family[]): readonly Finding[] {
  const names = { ip: 'net.ipv4.ip_forward', ip6: 'net.ipv6.conf.all.forwarding' };
  return families.flatMap((family) => {
    const name = names[family];
    const value = read(name);
    if (value === undefined) return [unknown(TOPIC, `${name} cannot be read`)];
    if (value !== '0') return [];
    const what = `${name} is 0: connections from pods and from outside do not reach the pods behind Services`;
    const remedy = `sysctl -w ${name}=1, and ${KEEP}`;
    // A node without IPv6 pods does not need it.
    return [family === 'ip' ? problem(TOPIC, what, remedy) : warning(TOPIC, `${what} (IPv6)`, remedy)];
  });
}

function reversePath(read: ReadSysctl): readonly Finding[] {
  if (read('net.ipv4.conf.all.rp_filter') !== '1') return [];
  return [
    warning(
      TOPIC,
      'net.ipv4.conf.all.rp_filter is 1 (strict): packets are dropped if they arrive on an interface other than the one that replies leave by',
      'sysctl -w net.ipv4.conf.all.rp_filter=2, if a node has several uplinks, or pods are routed',
    ),
  ];
}

function bridges(read: ReadSysctl, [bridge]: readonly string[]): readonly Finding[] {
  const name = 'net.bridge.bridge-nf-call-iptables';
  const value = read(name);
  if (bridge === undefined || value === '1') return [];
  const found = value === undefined ? 'the module br_netfilter is not loaded' : `${name} is ${value}`;
  return [
    warning(
      TOPIC,
      `${found}, and pods are behind the bridge ${bridge}: if a Service leads from one of them to another, the reply bypasses our rules`,
      `modprobe br_netfilter, and sysctl -w ${name}=1; ${KEEP}`,
    ),
  ];
}

function tracking(read: ReadSysctl): readonly Finding[] {
  const [count, max] = ['count', 'max'].map((end) => Number(read(`net.netfilter.nf_conntrack_${end}`)));
  if (count === undefined || max === undefined || !(max > 0) || (100 * count) / max < NEARLY_FULL) return [];
  return [
    warning(
      TOPIC,
      `conntrack is nearly full: ${count} of ${max} entries; when it is, new connections are dropped`,
      'raise --conntrack-max-per-core, or net.netfilter.nf_conntrack_max',
    ),
  ];
}
