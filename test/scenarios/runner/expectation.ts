import type { Protocol } from '../../../src/objects/protocol.ts';
import { CLIENTS, type Client, ENDPOINTS, type EndpointName, TARGETS, type Target, type Version } from './cast.ts';

type Fate = 'rejected' | 'dropped' | 'untouched';
type SourceWord = 'source kept' | 'masqueraded';
type Choice = '' | 'one of ' | 'by hash one of ';
type Refusals = '' | `; rejected beyond ${number}${'' | '/s'}` | '; most rejected' | '; some may be rejected';

/**
 * One line of a scenario: who connects where, and what comes of it.
 *
 *     pod → cluster-ip:80 → here or there, source kept
 *     outside → node:30080/sctp → pod:8081, masqueraded
 *     pod → cluster-ip:80 → pod, masqueraded; or here, source kept
 *     outside → external-ip:80/ipv6 → dropped
 *     outside → cluster-ip:80 → one of here or there, masqueraded
 *     outside → cluster-ip:80 → by hash one of here or there, masqueraded
 *     pod → cluster-ip:80 → here 9/10 or there 1/10, source kept
 *     pod → cluster-ip:80/udp → here, source kept; rejected beyond 3
 *
 * TCP and UDP in IPv4 and IPv6, unless one of them is named. An endpoint's port is 8080 unless it says otherwise. The endpoints are exactly
 * those that connections end at. `one of`: each client's all end at the same, wherever it connects to (session affinity).
 * `by hash one of`: its address alone decides which. After an endpoint: its share of new connections. `rejected beyond 3`: of
 * many connections at once so many are served, and the others rejected; `3/s`: at least so many, as time goes by.
 * `untouched`: the node treats it as if there were no Service.
 */
export type ExpectationLine =
  `${Client} → ${Target}:${string} → ${Fate | `${Choice}${EndpointName}${string}, ${SourceWord}${Refusals}`}`;

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
  /** So many of many connections at once are served; with `least` it may be more. Absent: that is not told. */
  readonly served?: { readonly count: number; readonly least: boolean };
  /** How likely the least likely of them is, 0 to 1; absent: all are as likely. */
  readonly rarest?: number;
  /** How likely each of them is; absent: that is not told. */
  readonly shares?: ReadonlyMap<string, number>;
}

/** Reads a line. Throws for what the types cannot catch: names, ports and protocols in its open parts. */
export function parseExpectation(line: ExpectationLine): Expectation {
  const fail = (what: string): never => {
    throw new Error(`expectation "${line}": ${what}`);
  };
  const [, client = '', target = '', port, protocol, family, choice, outcome = '', refusals] =
    /^([a-z0-9-]+) → ([a-z0-9-]+):(\d+)(?:\/(tcp|udp|sctp))?(?:\/(ipv4|ipv6))? → ((?:by hash )?one of )?(.+?)(; rejected beyond \d+(?:\/s)?|; most rejected|; some may be rejected)?$/.exec(
      line,
    ) ?? fail('not CLIENT → TARGET → OUTCOME');
  if (!(client in CLIENTS)) fail(`no client ${client}`);
  if (!(target in TARGETS)) fail(`no target ${target}`);
  const told = outcome in FATES ? [] : outcome.split('; or ').flatMap((group) => endpointsOf(group, fail));
  const shares = new Map(told.flatMap(({ end, share }) => (share === undefined ? [] : [[end, share] as const])));
  if (shares.size > 0) {
    const sum = [...shares.values()].reduce((total, share) => total + share, 0);
    if (shares.size < told.length || Math.abs(sum - 1) > 1e-9) fail('the shares are not all there is');
    if (choice !== undefined) fail('a client stays with its endpoint: there are no shares of its connections');
  }
  return {
    line,
    client: client as Client,
    target: target as Target,
    port: Number(port),
    protocols: protocol === undefined ? ['tcp', 'udp'] : [protocol as Protocol],
    versions: family === undefined ? ['ip4', 'ip6'] : [family === 'ipv4' ? 'ip4' : 'ip6'],
    ends: told.length === 0 ? new Map([[outcome, undefined]]) : new Map(told.map(({ end, source }) => [end, source])),
    sticky: choice === 'one of ',
    hashed: choice === 'by hash one of ',
    ...(refusals !== undefined && refused(refusals)),
    ...(shares.size > 0 && { shares, rarest: Math.min(...shares.values()) }),
  };
}

const FATES: Readonly<Record<Fate, true>> = { rejected: true, dropped: true, untouched: true };

function refused(text: string): Pick<Expectation, 'refuses' | 'served'> {
  const [, count, perSecond] = /beyond (\d+)(\/s)?/.exec(text) ?? [];
  if (count !== undefined) return { refuses: 'most', served: { count: Number(count), least: perSecond !== undefined } };
  return { refuses: text.includes('most') ? 'most' : 'some' };
}

interface ToldEnd {
  readonly end: string;
  readonly source: SourceFate;
  readonly share: number | undefined;
}

function endpointsOf(group: string, fail: (what: string) => never): readonly ToldEnd[] {
  const [, names = '', source] = /^([^,]+), (source kept|masqueraded)$/.exec(group) ?? fail(`cannot read "${group}"`);
  return names.split(' or ').map((text) => {
    const [, name = '', port = '8080', part, whole] =
      /^([a-z0-9-]+)(?::(\d+))?(?: (\d+)\/(\d+))?$/.exec(text) ?? fail(`no endpoint ${text}`);
    if (!(name in ENDPOINTS)) fail(`no endpoint ${text}`);
    const share = part === undefined ? undefined : Number(part) / Number(whole);
    return { end: `${name}:${port}`, source: source as SourceFate, share };
  });
}
