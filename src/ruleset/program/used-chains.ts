import type { Chain } from '../elements/chain.ts';
import type { Statement } from '../elements/statement.ts';

/**
 * Chains without everything that has no effect: rules that look up keys in empty maps, or lead to a chain without rules, and
 * chains that no packet meets. `isEmpty`: whether a set or map, by its name, has no elements. `targets`: the chains that
 * elements lead to. The result treats packets in the same way.
 */
export function usedChains(
  chains: readonly Chain[],
  isEmpty: (name: string) => boolean,
  targets: ReadonlySet<string>,
): readonly Chain[] {
  let left: readonly Chain[] = chains.map((chain) => ({
    ...chain,
    rules: chain.rules.filter((rule) => !rule.some((statement) => findsNothing(statement, isEmpty))),
  }));
  for (;;) {
    const bare = new Set(left.filter(({ rules }) => rules.length === 0).map(({ name }) => name));
    const shorter = left.map((chain) => ({ ...chain, rules: withoutDetours(chain, bare) }));
    const isDone = shorter.every(({ rules }, i) => rules.length === left[i]?.rules.length);
    left = shorter;
    if (isDone) break;
  }
  const met = new Set(targets);
  const byName = new Map(left.map((chain) => [chain.name, chain]));
  for (const { name, hook, rules } of left) if (hook !== undefined && rules.length > 0) met.add(name);
  // Iteration over a set includes what is added meanwhile.
  for (const name of met)
    for (const rule of byName.get(name)?.rules ?? []) for (const to of targetsOf(rule)) met.add(to);
  return left.filter(({ name }) => met.has(name));
}

/** The sets and maps that rules look up or write to, by name. */
export function* lookedUp(chains: Iterable<Chain>): Iterable<string> {
  for (const { rules } of chains) for (const rule of rules) for (const statement of rule) yield* namesIn(statement);
}

/** Whether a rule ends at a statement for every packet, because it finds nothing. */
function findsNothing(statement: Statement, isEmpty: (name: string) => boolean): boolean {
  if ('match' in statement && statement.match.op === '!=') return false;
  if ('set' in statement) return false;
  return namesIn(statement).some(isEmpty);
}

function namesIn(statement: Statement): readonly string[] {
  if ('match' in statement) {
    const { right } = statement.match;
    return typeof right === 'string' && right.startsWith('@') ? [right.slice(1)] : [];
  }
  if ('vmap' in statement) return [statement.vmap.data.slice(1)];
  if ('dnat' in statement && 'addr' in statement.dnat && typeof statement.dnat.addr === 'object')
    return [statement.dnat.addr.map.data.slice(1)];
  return 'set' in statement ? [statement.set.set.slice(1)] : [];
}

/**
 * The rules of a chain without those that jump to a chain without rules and come back, or go there as the last action of the
 * chain. This also holds at the end of a base chain, whose policy is accept.
 */
function withoutDetours({ rules }: Chain, bare: ReadonlySet<string>): Chain['rules'] {
  const left = rules.filter(
    (rule) => !rule.some((statement) => 'jump' in statement && bare.has(statement.jump.target)),
  );
  const isLastDetour = () => left.at(-1)?.some((statement) => 'goto' in statement && bare.has(statement.goto.target));
  while (isLastDetour()) left.pop();
  return left;
}

/** The chains that a rule leads to. */
export function targetsOf(rule: readonly Statement[]): readonly string[] {
  return rule.flatMap((statement) => {
    if ('jump' in statement) return statement.jump.target;
    return 'goto' in statement ? statement.goto.target : [];
  });
}
