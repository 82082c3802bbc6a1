import { milliseconds } from './configuration.ts';
import type { Configuration } from './fields.ts';

/** A number to set in a file of /proc/sys or /sys. */
export interface Setting {
  readonly file: string;
  readonly value: number;
  /** The field that sets it. */
  readonly field: string;
  /** If true, a greater number in the kernel stays. */
  readonly atLeast?: true;
}

const NETFILTER = '/proc/sys/net/netfilter';
const HASH_SIZE = '/sys/module/nf_conntrack/parameters/hashsize';

/** Entries. On a machine with very many CPUs, more would waste memory (kube-proxy 1.37). */
const MAX_SCALED = 1_048_576;

/** The timeout fields, in the order in which kube-proxy sets them. Zero keeps the kernel's value. */
const TIMEOUTS = [
  ['conntrack.tcpEstablishedTimeout', 'nf_conntrack_tcp_timeout_established'],
  ['conntrack.tcpCloseWaitTimeout', 'nf_conntrack_tcp_timeout_close_wait'],
  ['conntrack.udpTimeout', 'nf_conntrack_udp_timeout'],
  ['conntrack.udpStreamTimeout', 'nf_conntrack_udp_timeout_stream'],
] as const;

/** The settings that kube-proxy makes on a machine with `cpus` CPUs, and no others. In seconds and entries. */
export function conntrackSettings(configuration: Configuration, cpus: number): readonly Setting[] {
  const settings: Setting[] = [];
  const maxPerCore = configuration['conntrack.maxPerCore'];
  if (maxPerCore > 0) {
    const max = conntrackMax(maxPerCore * cpus, configuration['conntrack.min']);
    const common = { field: 'conntrack.maxPerCore', atLeast: true } as const;
    settings.push({ file: `${NETFILTER}/nf_conntrack_max`, value: max, ...common });
    // Chains of four entries, as in kube-proxy. Only the initial network namespace can write it.
    settings.push({ file: HASH_SIZE, value: Math.floor(max / 4), ...common });
  }
  for (const [field, name] of TIMEOUTS) {
    const timeout = milliseconds(configuration[field]);
    if (timeout > 0) settings.push({ file: `${NETFILTER}/${name}`, value: Math.floor(timeout / 1000), field });
  }
  if (configuration['conntrack.tcpBeLiberal']) {
    settings.push({ file: `${NETFILTER}/nf_conntrack_tcp_be_liberal`, value: 1, field: 'conntrack.tcpBeLiberal' });
  }
  return settings;
}

/** As in kube-proxy: if `scaled` exceeds the limit, a greater `min` is ignored too. */
function conntrackMax(scaled: number, min: number): number {
  return scaled > MAX_SCALED ? MAX_SCALED : Math.max(scaled, min);
}

/** True if the kernel already has the value. Then nothing must be written, which requires fewer permissions. */
export function isSet({ value, atLeast }: Setting, current: number): boolean {
  return atLeast ? current >= value : current === value;
}
