import { ProxyError } from '../errors.ts';
import { type Family, familyOf, isInCidr, parseCidr } from '../ip.ts';
import type { TracedPacket } from '../trace/packet.ts';
import { printTrace } from '../trace/print-trace.ts';
import { tracePacket } from '../trace/trace-packet.ts';
import { tracedRuleset } from '../trace/traced-ruleset.ts';
import type { Arguments } from './arguments.ts';
import { localAddresses } from './node-addresses.ts';
import type { Knowledge } from './questions.ts';

/** A connection to follow, as --trace and --from give it. */
export interface TraceQuestion {
  readonly destination: string;
  /** An IP protocol by nft's name; without a port "icmp" or "icmpv6". */
  readonly protocol: string;
  readonly port?: number;
  /** The client's address; absent: the node itself. */
  readonly source?: string;
  /** The interface it comes in by. */
  readonly interface?: string;
}

/** What a connection can be of: those of Services, and others that they are no concern of. */
const PROTOCOLS = ['tcp', 'udp', 'sctp', 'icmp', 'icmpv6', 'udplite', 'dccp', 'gre', 'esp', 'ah'];

/** Where a machine without addresses sends from. */
const LOOPBACK: Readonly<Record<Family, string>> = { ip: '127.0.0.1', ip6: '::1' };

/**
 * Reads "10.96.0.12:80", "[fd00:96::c]:53/udp" or an address alone, and a client as "10.32.0.5" or "10.32.0.5%veth7".
 * @throws ProxyError E_USAGE
 */
export function parseTraceQuestion(to: string, from: string | undefined): TraceQuestion {
  const [target = '', protocolName] = to.split('/');
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(target) ?? [];
  const destination = bracketed ?? plain ?? target;
  const family = familyOf(destination);
  if (family === undefined) {
    throw new ProxyError('E_USAGE', `--trace ${JSON.stringify(to)}: an address such as 10.96.0.12:80/tcp is expected`);
  }
  const [source, ...interfaces] = from?.split('%') ?? [];
  if (source !== undefined && familyOf(source) !== family) {
    throw new ProxyError(
      'E_USAGE',
      `--from ${JSON.stringify(from)}: an address of the family of ${destination} is expected`,
    );
  }
  if (protocolName !== undefined && !PROTOCOLS.includes(protocolName)) {
    throw new ProxyError(
      'E_USAGE',
      `--trace ${JSON.stringify(to)}: one of ${PROTOCOLS.join(', ')} is expected after /`,
    );
  }
  const withoutPort = family === 'ip' ? 'icmp' : 'icmpv6';
  return {
    destination,
    protocol: protocolName ?? (portText === undefined ? withoutPort : 'tcp'),
    ...(portText !== undefined && { port: Number(portText) }),
    ...(source !== undefined && { source }),
    ...(interfaces[0] !== undefined && { interface: interfaces[0] }),
  };
}

/** What becomes of the connection, step by step. What cannot be traced is said instead. */
export function renderTrace(
  { models, origin }: Knowledge,
  question: TraceQuestion,
  args: Pick<Arguments, 'podCidrs'>,
): string {
  const family: Family = familyOf(question.destination) ?? 'ip';
  const entry = models.find(({ model }) => model.family === family);
  if (entry === undefined) return `${question.destination}: this kernel has no IPv6, nothing is programmed for it\n`;
  const own = [...localAddresses()];
  const packet: TracedPacket = {
    source: question.source ?? own.find((address) => familyOf(address) === family) ?? LOOPBACK[family],
    destination: question.destination,
    protocol: question.protocol,
    port: question.port,
    from: placeOf(question.source, own, args.podCidrs.get(family)),
    iifname: question.interface,
    own,
  };
  try {
    const warning = entry.inForce ? '' : 'NOT IN FORCE (yet): the kernel goes on with what it holds\n';
    return `${printTrace(tracePacket(tracedRuleset(entry.model.ruleset), packet))}\n${warning}(${origin})\n`;
  } catch (error) {
    if (error instanceof ProxyError && error.code === 'E_USAGE') return `${error.message} [E_USAGE]\n`;
    throw error;
  }
}

function placeOf(
  source: string | undefined,
  own: readonly string[],
  podCidr: string | undefined,
): TracedPacket['from'] {
  if (source === undefined || own.includes(source)) return 'node';
  const cidr = parseCidr(podCidr ?? '');
  return cidr !== undefined && isInCidr(source, cidr) ? 'pod' : 'outside';
}
