import type { Family } from '../../ip.ts';
import { canonicalRule } from '../elements/canonical-rule.ts';
import type { Chain, ListedChain } from '../elements/chain.ts';
import { chainElement } from '../elements/chain-element.ts';
import type { Element } from '../elements/element.ts';
import { randomSlot, sourceAddress, transportProtocol } from '../elements/packet-fields.ts';
import { PROTOCOLS } from '../elements/set-or-map.ts';
import { printRule, type Statement } from '../elements/statement.ts';
import { AFFINITY_ENDPOINTS, AFFINITY_PICKS, affinityKindOf } from './affinity.ts';
import { isLimitChain, LIMIT_CHAINS, readLimitRule } from './limits.ts';

/**
 * The chains of Services with session affinity or limits, with their rules, in a table as nft lists it. At a start they are
 * written again, and need not be read. A rule that does not have the form of affinityElements is left out, because it is not
 * ours.
 */
export function foundAffinityChains(family: Family, chains: ReadonlyMap<string, ListedChain>): readonly Element[] {
  return [...chains].flatMap(([name, { rules: texts }]) => {
    const setOrMap = isLimitChain(name) ? LIMIT_CHAINS : affinityKindOf(name);
    if (setOrMap !== AFFINITY_PICKS && setOrMap !== AFFINITY_ENDPOINTS && setOrMap !== LIMIT_CHAINS) return [];
    return chainElement(setOrMap, { name, rules: texts.flatMap((text) => readRule(family, text)) });
  });
}

/**
 * How many new connections a client may have in a second, according to the chain that enforces this; undefined: no limit.
 */
export function limitOf(chain: string, chains: ReadonlyMap<string, Chain>): number | undefined {
  const [statement] = chains.get(chain)?.rules[0] ?? [];
  return statement !== undefined && 'set' in statement ? statement.set.stmt?.[0].limit.rate : undefined;
}

/** What a chain of a Service with session affinity leads to. */
interface AffinityPick {
  /** In order. `weight`: how many of the draws lead there. */
  readonly endpoints: readonly (readonly [address: string, port: number, weight: number])[];
  /** How long a client stays with an endpoint. */
  readonly seconds: number | undefined;
  /** How many connections each may have. */
  readonly maxConnections: number | undefined;
}

/** The endpoints that a chain leads to, and for how many seconds a client stays with one. */
export function affinityEndpoints(chain: string, chains: ReadonlyMap<string, Chain>): AffinityPick {
  const endpoints = new Map<string, readonly [string, number, number]>();
  const weights = weightsIn(chains.get(chain)?.rules ?? []);
  let seconds: number | undefined;
  let maxConnections: number | undefined;
  const seen = new Set<string>();
  const enter = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const statement of chains.get(name)?.rules.flat() ?? []) {
      if ('goto' in statement) enter(statement.goto.target);
      else if ('ct count' in statement) maxConnections = statement['ct count'].val;
      else if ('set' in statement) seconds = statement.set.elem.elem.timeout;
      else if ('dnat' in statement && 'port' in statement.dnat) {
        const { addr, port } = statement.dnat;
        endpoints.set(`${addr} ${port}`, [addr, port, weights.get(name) ?? 1]);
      }
    }
  };
  enter(chain);
  return { endpoints: [...endpoints.values()], seconds, maxConnections };
}

/** How many draws lead to each chain. The last chain gets the rest. */
function weightsIn(rules: Chain['rules']): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  let left = 1;
  for (const [first, second] of rules) {
    if (first === undefined) continue;
    if ('goto' in first) weights.set(first.goto.target, left);
    if (!('match' in first) || second === undefined || !('goto' in second)) continue;
    const { op, left: drawn, right } = first.match;
    if (!('numgen' in drawn)) continue;
    const weight = op === '<' ? Number(right) : 1;
    weights.set(second.goto.target, weight);
    left = drawn.numgen.mod - weight;
  }
  return weights;
}

/** A rule of these chains, from nft's own text; none if it is not one of them. */
function readRule(family: Family, listed: string): readonly (readonly Statement[])[] {
  const text = canonicalRule(listed);
  const statements = statementsOf(family, text);
  // Printing it must give the same text. Otherwise something was overlooked.
  return statements !== undefined && canonicalRule(printRule(statements)) === text ? [statements] : [];
}

function statementsOf(family: Family, text: string): readonly Statement[] | undefined {
  const limit = readLimitRule(family, text);
  if (limit !== undefined) return limit;
  const goTo = (target: string): Statement => ({ goto: { target } });
  const [, client, to = ''] = /^ip6? saddr @(\S+) goto (\S+)$/.exec(text) ?? [];
  if (client !== undefined)
    return [{ match: { op: '==', left: sourceAddress(family), right: `@${client}` } }, goTo(to)];
  const [, slots, weight, drawn = ''] = /^numgen random mod (\d+) (0|< \d+) goto (\S+)$/.exec(text) ?? [];
  if (slots !== undefined && weight !== undefined) {
    const left = randomSlot(Number(slots));
    const isOne = weight === '0';
    return [
      { match: isOne ? { op: '==', left, right: 0 } : { op: '<', left, right: Number(weight.slice(2)) } },
      goTo(drawn),
    ];
  }
  const [, target] = /^goto (\S+)$/.exec(text) ?? [];
  if (target !== undefined) return [goTo(target)];
  const [, set, timeout] = /^update @(\S+) \{ ip6? saddr timeout (\d+)s \}$/.exec(text) ?? [];
  if (set !== undefined) {
    return [
      {
        set: { op: 'update', elem: { elem: { val: sourceAddress(family), timeout: Number(timeout) } }, set: `@${set}` },
      },
    ];
  }
  const [, protocol, bare, bracketed, port] =
    /^meta l4proto (\w+) dnat to (?:([\d.]+)|\[([\da-f:]+)\]):(\d+)$/.exec(text) ?? [];
  if (protocol === undefined || !PROTOCOLS.some((known) => known === protocol)) return undefined;
  return [
    { match: { op: '==', left: transportProtocol, right: protocol } },
    { dnat: { family, addr: bare ?? bracketed ?? '', port: Number(port) } },
  ];
}
