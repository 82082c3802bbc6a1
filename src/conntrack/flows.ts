import { canonicalAddress, type Family } from '../ip.ts';
import type { Conntrack } from './conntrack.ts';

/** The parts of a flow that show whether it is stale. Addresses are canonical. */
export interface Flow {
  /** Who sends, and where to: the original direction. */
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** Who answers, or would answer: the endpoint, or the destination itself for a flow that is not translated. */
  readonly replySource: string;
  readonly replyPort: number;
}

/** `-f` of conntrack. */
export const CONNTRACK_FAMILY = { ip: 'ipv4', ip6: 'ipv6' } as const;

/** Which flows are listed. */
export interface Listing {
  readonly family: Family;
  readonly protocol: 'tcp' | 'udp';
  /**
   * Options of conntrack with which it leaves out other flows. This saves half of its time and all of ours. Empty: all
   * flows.
   */
  readonly filter: readonly string[];
}

/**
 * Lists flows, one after the other, without storing any.
 * @throws ConntrackError
 */
export async function listFlows(
  conntrack: Conntrack,
  { family, protocol, filter }: Listing,
  onFlow: (flow: Flow) => void,
): Promise<void> {
  let unknown = false;
  await conntrack.run(['-L', '-f', CONNTRACK_FAMILY[family], '-p', protocol, ...filter], (line) => {
    const flow = parseFlow(line, protocol);
    if (flow === undefined) unknown = true;
    else onFlow(flow);
  });
  if (unknown)
    conntrack.warnOnce(`conntrack lists ${protocol.toUpperCase()} flows in an unknown form: they are not deleted`);
}

/**
 * Reads a line of `conntrack -L -p PROTOCOL` (1.4.7, 1.4.8); undefined if it is none. The first tuple is the original
 * direction, the second the reply: "udp 17 29 src=… dst=… sport=… dport=… [UNREPLIED] src=… dst=… sport=… dport=… mark=0 use=1".
 */
export function parseFlow(line: string, protocol = 'udp'): Flow | undefined {
  if (!line.startsWith(`${protocol} `)) return undefined;
  const source = line.indexOf(' src=');
  const destination = line.indexOf(' dst=', source + 5);
  const port = line.indexOf(' dport=', destination + 5);
  const replySource = line.indexOf(' src=', port + 7);
  const replyPort = line.indexOf(' sport=', replySource + 5);
  if (source === -1 || destination === -1 || port === -1 || replySource === -1 || replyPort === -1) return undefined;
  return {
    source: canonical(valueAt(line, source + 5)),
    destination: canonical(valueAt(line, destination + 5)),
    port: Number(valueAt(line, port + 7)),
    replySource: canonical(valueAt(line, replySource + 5)),
    replyPort: Number(valueAt(line, replyPort + 7)),
  };
}

function valueAt(line: string, start: number): string {
  const end = line.indexOf(' ', start);
  return end === -1 ? line.slice(start) : line.slice(start, end);
}

/** glibc writes some IPv6 addresses with a dotted tail, and all others like we do. */
function canonical(address: string): string {
  return address.includes(':') && address.includes('.') ? canonicalAddress(address) : address;
}
