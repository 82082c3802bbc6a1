import type { Protocol } from '../../../src/objects/protocol.ts';
import { CLIENTS, type Client, ENDPOINTS, type EndpointName, TARGETS, type Target, type Version } from './cast.ts';

type Fate = 'rejected' | 'dropped' | 'untouched';
type SourceWord = 'source kept' | 'masqueraded';

/**
 * One line of a scenario: who connects where, and what comes of it.
 *
 *     pod → cluster-ip:80 → here or there, source kept
 *     outside → node:30080/sctp → pod:8081, masqueraded
 *     pod → cluster-ip:80 → pod, masqueraded; or here, source kept
 *     outside → external-ip:80/ipv6 → dropped
 *     outside → cluster-ip:80 → one of here or there, masqueraded
 *
 * TCP and UDP in IPv4 and IPv6, unless one of them is named. An endpoint's port is 8080 unless it says otherwise. The endpoints are exactly
 * those that connections end at. `one of`: each client's all end at the same, wherever it connects to (session affinity).
 * `untouched`: the node treats it as if there were no Service.
 */
export type ExpectationLine =
  `${Client} → ${Target}:${string} → ${Fate | `${'' | 'one of '}${EndpointName}${string}, ${SourceWord}`}`;

/** Whom an endpoint sees: the client, or this node in its place. */
export type SourceFate = 'source kept' | 'masqueraded';

/** A line of a scenario, read. */
export interface Expectation {
  readonly line: string;
  readonly client: Client;
  readonly target: Target;
  readonly port: number;
  readonly protocols: readonly Protocol[];
  readonly versions: readonly Version[];
  /** "here:8080", or "rejected", "dropped", "untouched" → whom it sees; undefined where nobody sees anything. */
  readonly ends: ReadonlyMap<string, SourceFate | undefined>;
  /** Whether a client always ends at the same of them. */
  readonly sticky: boolean;
  /** Whether its address alone decides which of them: the first time, too, and on every node. Absent: it does not. */
  readonly hashed?: boolean;
  /** Whether a limit refuses all but the first of many connections at once, or may. Absent: none does. */
  readonly refuses?: 'most' | 'some' | undefined;
  /** How likely the least likely of them is, 0 to 1; absent: all are as likely. */
  readonly rarest?: number;
}

/** Reads a line. Throws for what the types cannot catch: names, ports and protocols in its open parts. */
export function parseExpectation(line: ExpectationLine): Expectation {
  const fail = (what: string): never => {
    throw new Error(`expectation "${line}": ${what}`);
  };
  const [, client = '', target = '', port, protocol, family, oneOf, outcome = ''] =
    /^([a-z0-9-]+) → ([a-z0-9-]+):(\d+)(?:\/(tcp|udp|sctp))?(?:\/(ipv4|ipv6))? → (one of )?(.+)$/.exec(line) ??
    fail('not CLIENT → TARGET → OUTCOME');
  if (!(client in CLIENTS)) fail(`no client ${client}`);
  if (!(target in TARGETS)) fail(`no target ${target}`);
  return {
    line,
    client: client as Client,
    target: target as Target,
    port: Number(port),
    protocols: protocol === undefined ? ['tcp', 'udp'] : [protocol as Protocol],
    versions: family === undefined ? ['ip4', 'ip6'] : [family === 'ipv4' ? 'ip4' : 'ip6'],
    ends: ['rejected', 'dropped', 'untouched'].includes(outcome)
      ? new Map([[outcome, undefined]])
      : new Map(outcome.split('; or ').flatMap((group) => endpointsOf(group, fail))),
    sticky: oneOf !== undefined,
  };
}

function endpointsOf(group: string, fail: (what: string) => never): readonly (readonly [string, SourceFate])[] {
  const [, names = '', source] = /^([^,]+), (source kept|masqueraded)$/.exec(group) ?? fail(`cannot read "${group}"`);
  return names.split(' or ').map((text) => {
    const [name = '', port = '8080'] = text.split(':');
    if (!(name in ENDPOINTS) || !/^\d+$/.test(port)) fail(`no endpoint ${text}`);
    return [`${name}:${port}`, source as SourceFate];
  });
}
