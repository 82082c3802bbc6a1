import { ProxyError } from '../errors.ts';
import type { Expression } from '../ruleset/elements/statement.ts';
import { clientHash } from './client-hash.ts';
import type { Facts } from './packet.ts';

/** Tells the node's own addresses. */
export type IsOwn = (address: string) => boolean;

/** The error for a program with something that the tracer does not understand: a wrong trace is worse than none. */
export function notUnderstood(what: unknown): ProxyError {
  const text = typeof what === 'string' ? what : JSON.stringify(what);
  return new ProxyError('E_INTERNAL', `cannot trace through ${text}: the tracer does not know it; please report this`);
}

/**
 * The value of an expression for a packet, in the spelling of elements. Undefined if the packet has no such field: then the
 * rule does not match, whatever it compares with. Throws E_INTERNAL for an unknown expression.
 */
export function fieldOf(expression: Expression, facts: Facts, isOwn: IsOwn): string | undefined {
  if ('payload' in expression && 'protocol' in expression.payload) {
    const { protocol, field } = expression.payload;
    if (protocol === facts.family && field === 'saddr') return facts.source;
    if (protocol === facts.family && field === 'daddr') return facts.destination;
    // For protocols without ports, `th` would read other bytes. Sets never have the number of such a protocol beside a port.
    if (protocol === 'th' && field === 'dport') return portText(facts.port);
    if (TRANSPORTS.includes(protocol) && field === 'dport') {
      return protocol === facts.protocol ? portText(facts.port) : undefined;
    }
  } else if ('meta' in expression) {
    if (expression.meta.key === 'l4proto') return facts.protocol;
    if (expression.meta.key === 'iifname') return interfaceOf(facts);
  } else if ('ct' in expression && expression.ct.dir === 'original') {
    if (expression.ct.key === `${facts.family} daddr`) return facts.original.destination;
    if (expression.ct.key === 'proto-dst') return portText(facts.original.port);
  } else if ('ct' in expression && expression.ct.key === 'direction') {
    // A trace follows what a client sends.
    return 'original';
  } else if ('fib' in expression && expression.fib.flags.length === 1) {
    return isOwn(expression.fib.flags[0] === 'saddr' ? facts.source : facts.destination) ? 'local' : 'not local';
  }
  if ('&' in expression) return fieldOf(expression['&'][0], facts, isOwn);
  if ('jhash' in expression && expression.jhash.offset === 0) {
    const { mod, seed, expr } = expression.jhash;
    const address = fieldOf(expr, facts, isOwn);
    if (address === facts.source) return String(clientHash(address, mod, seed));
  }
  throw notUnderstood(expression);
}

/** The flags of `ct state` or `ct status` for the first packet of a new connection. */
export function flagsOf(expression: Expression, facts: Facts): readonly string[] {
  if ('ct' in expression && expression.ct.dir === undefined) {
    if (expression.ct.key === 'state') return ['new'];
    // A translation to the same address and port sets no flag (nf_nat_setup_info).
    const { original, destination, port } = facts;
    const moved = original.destination !== destination || original.port !== port;
    if (expression.ct.key === 'status') return [...(moved ? ['dnat'] : []), ...(facts.sourceNat ? ['snat'] : [])];
  }
  throw notUnderstood(expression);
}

const TRANSPORTS = ['tcp', 'udp', 'sctp'];

function portText(port: number | undefined): string | undefined {
  return port === undefined ? undefined : String(port);
}

function interfaceOf({ iifname, source }: Facts): string {
  if (iifname !== undefined) return iifname;
  throw new ProxyError(
    'E_USAGE',
    `cannot trace the packet from ${source}: pods are known by interface here, so name the one it comes in over: ` +
      `${source}%INTERFACE`,
  );
}
