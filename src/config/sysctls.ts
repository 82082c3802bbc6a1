import { milliseconds } from './configuration.ts';
import type { Configuration } from './fields.ts';

/** A number the kernel is to have in a file of /proc/sys or /sys. */
export interface Setting {
  readonly file: string;
  readonly value: number;
  /** The field that asks for it. */
  readonly field: string;
  /** A greater number is left alone. */
  readonly atLeast?: true;
}

const NETFILTER = '/proc/sys/net/netfilter';
const HASH_SIZE = '/sys/module/nf_conntrack/parameters/hashsize';

/** Entries. More of them on a machine with very many CPUs would cost memory that nobody needs (kube-proxy 1.37). */
const MAX_SCALED = 1_048_576;

/** Fields of times, in the order kube-proxy sets them. Zero leaves the kernel's number. */
const TIMEOUTS = [
  ['conntrack.tcpEstablishedTimeout', 'nf_conntrack_tcp_timeout_established'],
  ['conntrack.tcpCloseWaitTimeout', 'nf_conntrack_tcp_timeout_close_wait'],
  ['conntrack.udpTimeout', 'nf_conntrack_udp_timeout'],
  ['conntrack.udpStreamTimeout', 'nf_conntrack_udp_timeout_stream'],
] as const;

/** What kube-proxy sets for a configuration on a machine with `cpus` CPUs, and nothing else. In seconds and entries. */
export function conntrackSettings(configuration: Configuration, cpus: number): readonly Setting[] {
  const settings: Setting[] = [];
  const maxPerCore = configuration['conntrack.maxPerCore'];
  if (maxPerCore > 0) {
    const max = conntrackMax(maxPerCore * cpus, configuration['conntrack.min']);
    const common = { field: 'conntrack.maxPerCore', atLeast: true } as const;
    settings.push({ file: `${NETFILTER}/nf_conntrack_max`, value: max, ...common });
    // Chains of four entries, as kube-proxy has it. In a network namespace it cannot be written at all.
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

/** As kube-proxy has it: where `scaled` is beyond the limit, a greater `min` does not count either. */
function conntrackMax(scaled: number, min: number): number {
  return scaled > MAX_SCALED ? MAX_SCALED : Math.max(scaled, min);
}

/** True if the kernel has it: nothing is to be written, which takes fewer rights. */
export function isSet({ value, atLeast }: Setting, current: number): boolean {
  return atLeast ? current >= value : current === value;
}
