import type { Family } from '../../ip.ts';
import { type Frontend, serviceKeyOf } from '../../service/frontend.ts';
import { chainElement } from '../elements/chain-element.ts';
import type { Element } from '../elements/element.ts';
import { nameOf } from '../elements/object-name.ts';
import { sourceAddress } from '../elements/packet-fields.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import type { Expression, Statement } from '../elements/statement.ts';
import { chainOf } from '../elements/verdict.ts';
import { REFUSE_CHAIN } from './sets-and-maps.ts';

/*
 * Limits of a Service. It gets a set of its clients, each with a token bucket that the kernel maintains, and chains that
 * check it and continue to what would be the frontend's verdict without a limit. Named counters count the effects of a
 * limit. Unlike counters in rules, they continue when rules are replaced, and nft lists them without reading elements.
 */
export const LIMIT_SETS = objects('clients of Services with a limit');
export const LIMIT_CHAINS = objects('chains that enforce the limits of Services');
export const LIMIT_COUNTERS = objects('counters of the effects of limits');

function objects(comment: string): SetOrMap {
  return { name: comment, key: [], comment };
}

/**
 * What a named counter counts: connections refused by a limit, connections without a limit because the list was full, and
 * connections that found an endpoint full.
 */
export const LIMIT_RESULTS = ['limited', 'unlimited', 'full'] as const;
export type LimitResult = (typeof LIMIT_RESULTS)[number];

const PREFIX = 'limit-';

/** Separates the chain that a limit leads to from the Service. No name in Kubernetes contains it. */
const BEFORE_SERVICE = '__';

/**
 * Seconds that a client is remembered. If a client has not come for a second, its bucket is full, like that of an unknown
 * client. The other second is a margin, because the kernel may be late with timeouts.
 */
const REMEMBERED = 2;

/**
 * The part of a client's address that counts as one client. For IPv6 this is its network, in which it can have any address.
 */
function clientOf(family: Family): Expression {
  const source = sourceAddress(family);
  return family === 'ip' ? source : { '&': [source, 'ffff:ffff:ffff:ffff::'] };
}

/** How connections reach a verdict, with at most this many for each client in a second. Others are refused. */
export function limitElements(
  frontend: Frontend,
  perSecond: number,
  verdict: string,
): { readonly verdict: string; readonly elements: readonly Element[] } {
  const service = serviceKeyOf(frontend);
  const target = chainOf(verdict);
  // A client's bucket keeps the rate it began with, and lives as long as the client comes. Another rate has another set.
  const set = nameOf(PREFIX, `${perSecond}/s-${service}`);
  const client = clientOf(frontend.family);
  const [limited, unlimited] = [counterOf('limited', service), counterOf('unlimited', service)];
  const limit = { rate: perSecond, burst: perSecond, per: 'second', inv: true } as const;
  const elem = { elem: { val: client, timeout: REMEMBERED } };
  const rules: readonly Statement[][] = [
    [
      { set: { op: 'update', elem, set: `@${set}`, stmt: [{ limit }] } },
      { counter: limited.key },
      { goto: { target: REFUSE_CHAIN } },
    ],
    // The set is full, so the kernel skips the rule above.
    [{ match: { op: '!=', left: client, right: `@${set}` } }, { counter: unlimited.key }],
    [{ goto: { target } }],
  ];
  const chain = chainElement(LIMIT_CHAINS, { name: chainNameOf(service, target), rules });
  const elements = [limited, unlimited, { setOrMap: LIMIT_SETS, key: set, value: '', comment: '' }, chain];
  return { verdict: `goto ${chain.key}`, elements };
}

/**
 * The statements at the beginning of a rule that sends no more connections to an endpoint with this many open ones, and
 * their counter.
 */
export function fullEndpoint(
  frontend: Pick<Frontend, 'servicePort'>,
  most: number,
): { readonly rule: readonly Statement[]; readonly counter: Element } {
  const counter = counterOf('full', serviceKeyOf(frontend));
  const rule = [
    { 'ct count': { val: most, inv: true } },
    { counter: counter.key },
    { goto: { target: REFUSE_CHAIN } },
  ] as const;
  return { rule, counter };
}

function counterOf(result: LimitResult, service: string): Element {
  return { setOrMap: LIMIT_COUNTERS, key: nameOf(`${result}-`, service), value: '', comment: '' };
}

/** The target comes before the Service, because a long name is cut at its end. */
function chainNameOf(service: string, target: string): string {
  return nameOf(PREFIX, `${target}${BEFORE_SERVICE}${service}`);
}

/** The verdict that a limit's chain leads to. Any other verdict is returned unchanged. */
export function behindLimit(verdict: string): string {
  const [, target] = /^goto limit-[0-9a-f]{10}-(.+?)__/.exec(verdict) ?? [];
  return target === undefined ? verdict : `goto ${target}`;
}

/** True for the name of a chain that enforces a limit. */
export function isLimitChain(name: string): boolean {
  return name.startsWith(PREFIX) && name.includes(BEFORE_SERVICE);
}

/**
 * The Service ("namespace/name", with its end cut if it is long) whose limit a chain enforces; undefined for any other
 * chain.
 */
export function limitedBy(chain: string): string | undefined {
  if (!isLimitChain(chain)) return undefined;
  return chain.slice(chain.indexOf(BEFORE_SERVICE) + BEFORE_SERVICE.length);
}

/** A set or counter found in the kernel, as the model holds it; undefined if it does not belong to a limit. */
export function foundLimit(name: string): Element | undefined {
  const object = (setOrMap: SetOrMap): Element => ({ setOrMap, key: name, value: '', comment: '' });
  if (name.startsWith(PREFIX)) return object(LIMIT_SETS);
  return limitCounted(name) === undefined ? undefined : object(LIMIT_COUNTERS);
}

/** What a named counter counts, and for which Service ("namespace/name"); undefined if it is not ours. */
export function limitCounted(name: string): { readonly result: LimitResult; readonly service: string } | undefined {
  const [, word, service = ''] = /^([a-z]+)-[0-9a-f]{10}-([^/]+\/.+)$/.exec(name) ?? [];
  const result = LIMIT_RESULTS.find((known) => known === word);
  return result && { result, service };
}

/** A rule of these chains from nft's own text, in canonical form; undefined if it is not one of them. */
export function readLimitRule(family: Family, text: string): readonly Statement[] | undefined {
  const client = clientOf(family);
  const [, set, timeout, rate, counter = ''] =
    /^update (@\S+) \{ .* timeout (\d+)s limit rate over (\d+)\/second(?: burst \d+ packets)? \} counter name "(\S+)" goto refuse$/.exec(
      text,
    ) ?? [];
  if (set !== undefined) {
    const limit = { rate: Number(rate), burst: Number(rate), per: 'second', inv: true } as const;
    const elem = { elem: { val: client, timeout: Number(timeout) } };
    return [{ set: { op: 'update', elem, set, stmt: [{ limit }] } }, { counter }, { goto: { target: REFUSE_CHAIN } }];
  }
  const [, right, unlimited = ''] = /^ip6? saddr (?:& \S+ )?!= (@\S+) counter name "(\S+)"$/.exec(text) ?? [];
  if (right !== undefined) return [{ match: { op: '!=', left: client, right } }, { counter: unlimited }];
  const [, most, full = ''] = /^ct count over (\d+) counter name "(\S+)" goto refuse$/.exec(text) ?? [];
  if (most === undefined) return undefined;
  return [{ 'ct count': { val: Number(most), inv: true } }, { counter: full }, { goto: { target: REFUSE_CHAIN } }];
}
