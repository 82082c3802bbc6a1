import { ProxyError } from '../../../errors.ts';
import { canonicalAddress, familyOf } from '../../../ip.ts';

/** The target of `trace`: a Service or an address, with one port or all of them. */
export type TraceTarget =
  | {
      /** "namespace/name". */
      readonly service: string;
      /** A port's name or number; absent: all. */
      readonly port?: string;
      readonly protocol?: string;
    }
  | {
      /** Canonical; empty for the node's own: ":30080". */
      readonly address: string;
      /** Absent for all ports that Services have there, or for a protocol without ports. */
      readonly port?: number;
      /** An IP protocol by nft's name. */
      readonly protocol?: string;
    };

/** The client. */
export type TraceClient =
  | { readonly is: 'node' }
  /** A client that is neither a pod nor this node. */
  | { readonly is: 'outside' }
  | { readonly is: 'address'; readonly address: string; readonly interface?: string }
  /** A client whose packets arrive on this interface. */
  | { readonly is: 'interface'; readonly name: string };

/** The protocols that Services can have. */
export const SERVICE_PROTOCOLS: readonly string[] = ['tcp', 'udp', 'sctp'];

/** Other protocols that a connection can have. No Service has them. */
const OTHER_PROTOCOLS: readonly string[] = ['icmp', 'icmpv6', 'udplite', 'dccp', 'gre', 'esp', 'ah'];

const EXPECTED =
  'must be a Service (default/web, default/web:http) or an address such as 10.96.0.12:80, [fd00:96::c]:53/udp, :30080 or 10.96.0.12';

/**
 * Reads "default/web", "default/web:http", "10.96.0.12:80", "[fd00:96::c]:53/udp", ":30080" or an address alone.
 * @throws ProxyError E_USAGE, also for an IPv6 address that may end with a port
 */
export function parseTarget(text: string): TraceTarget {
  const refused = (why: string) => new ProxyError('E_USAGE', `trace ${JSON.stringify(text)}: ${why}`);
  const [, address, protocol] = /^([\d.:[\]A-Fa-f]+)(?:\/(\w+))?$/.exec(text) ?? [];
  if (address !== undefined && /[.:]/.test(address)) {
    if (protocol !== undefined && ![...SERVICE_PROTOCOLS, ...OTHER_PROTOCOLS].includes(protocol)) {
      throw refused(`/ must be followed by one of ${[...SERVICE_PROTOCOLS, ...OTHER_PROTOCOLS].join(', ')}`);
    }
    return { ...addressOf(address, refused), ...(protocol !== undefined && { protocol }) };
  }
  const [, service, port, ofService] = /^([^/:\s]+\/[^/:\s]+)(?::([^/:\s]+))?(?:\/(\w+))?$/.exec(text) ?? [];
  if (service === undefined) throw refused(/^[^/:\s]+(?::\S+)?$/.test(text) ? NAMESPACE_MISSING : EXPECTED);
  if (ofService !== undefined && !SERVICE_PROTOCOLS.includes(ofService)) {
    throw refused(`the protocol after the port must be one of ${SERVICE_PROTOCOLS.join(', ')}`);
  }
  return { service, ...(port !== undefined && { port }), ...(ofService !== undefined && { protocol: ofService }) };
}

const NAMESPACE_MISSING = 'name the namespace of the Service too: default/web';

function addressOf(text: string, refused: (why: string) => ProxyError): { address: string; port?: number } {
  const [match, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([\d.]*)):(\d{1,5})$/.exec(text) ?? [];
  if (match !== undefined) {
    const address = bracketed ?? plain ?? '';
    const port = Number(portText);
    if (port < 1 || port > 65_535) throw refused('the port must be from 1 to 65535');
    if (address === '') return { address, port };
    if (familyOf(address) === undefined) throw refused(EXPECTED);
    return { address: canonicalAddress(address), port };
  }
  const alone = /^\[(.+)\]$/.exec(text)?.[1];
  const address = alone ?? text;
  if (familyOf(address) === undefined) throw refused(EXPECTED);
  const [, host = '', port] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  if (alone === undefined && port !== undefined && familyOf(host) === 'ip6') {
    throw refused(
      `ambiguous: write [${host}]:${port} for port ${port} of ${host}, or [${address}] for an address without a port`,
    );
  }
  return { address: canonicalAddress(address) };
}

/**
 * Reads a pod's or another client's address ("10.32.0.5", "10.32.0.5%veth7"), "node", "outside", or an interface's name.
 * Undefined stands for the node itself.
 * @throws ProxyError E_USAGE
 */
export function parseClient(text: string | undefined): TraceClient {
  if (text === undefined || text === 'node' || text === 'lo') return { is: 'node' };
  if (text === 'outside') return { is: 'outside' };
  const [address = '', name] = text.split('%');
  if (familyOf(address) !== undefined && (name === undefined || INTERFACE.test(name))) {
    return { is: 'address', address: canonicalAddress(address), ...(name !== undefined && { interface: name }) };
  }
  if (INTERFACE.test(text)) return { is: 'interface', name: text };
  throw new ProxyError(
    'E_USAGE',
    `--from ${JSON.stringify(text)}: must be a pod's address, node, outside, or the name of an interface`,
  );
}

/** The interface names that Linux accepts (dev_valid_name), without the characters that form a pattern here. */
const INTERFACE = /^[^\s/:%]{1,15}$/;
