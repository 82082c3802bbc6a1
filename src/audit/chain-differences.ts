import { canonicalRule } from '../ruleset/elements/canonical-rule.ts';
import type { Chain, ListedChain } from '../ruleset/elements/chain.ts';
import { printRule } from '../ruleset/elements/statement.ts';

/** How something in the kernel came to differ from the model, as far as can be seen. */
export type DriftAction = 'deleted' | 'changed' | 'added';

/** How a chain in the kernel differs from ours. */
export interface ChainDifference {
  readonly chain: string;
  /** What differs: the chain itself, its hook, or its rules. */
  readonly what: 'chain' | 'hook' | 'rules';
  readonly action: DriftAction;
  /** Our first rule (or hook) that does not exist, as printRule prints it; undefined if all exist. */
  readonly missing?: string | undefined;
  /** The first rule (or hook) that is not ours, as nft prints it; undefined if there is none. */
  readonly foreign?: string | undefined;
}

/** Compares a chain of ours with nft's listing. `listed` undefined: it does not exist. Undefined if they are equal. */
export function compareChain(chain: Chain, listed: ListedChain | undefined): ChainDifference | undefined {
  const { name } = chain;
  if (listed === undefined) return { chain: name, what: 'chain', action: 'deleted' };
  const hook = hookOf(chain);
  if (canonicalHook(listed.hook) !== hook) {
    return { chain: name, what: 'hook', action: 'changed', missing: hook, foreign: listed.hook };
  }
  const wanted = chain.rules.map(printRule);
  const [ours, found] = [wanted.map(canonicalRule), listed.rules.map(canonicalRule)];
  if (ours.length === found.length && ours.every((rule, i) => rule === found[i])) return undefined;
  const missing = wanted[firstWithout(ours, found)];
  const foreign = listed.rules[firstWithout(found, ours)];
  // Neither: rules of ours in another order, or too often.
  const action = foreign === undefined ? 'deleted' : missing === undefined ? 'added' : 'changed';
  const isOther = missing === undefined && foreign === undefined;
  return { chain: name, what: 'rules', action: isOther ? 'changed' : action, missing, foreign };
}

/** nft's names of priorities in the tables of IPv4 and IPv6. */
const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

const HOOK = /^type (\w+) hook (\w+) priority (?:([a-z]+)(?: ([+-]) (\d+))?|(-?\d+)); policy (\w+);/;

/**
 * "nat prerouting -100 accept" for "type nat hook prerouting priority dstnat; policy accept;". Other texts are unchanged.
 */
function canonicalHook(text: string): string {
  const [match, type, hook, name = '', sign, distance = '0', number, policy] = HOOK.exec(text) ?? [];
  if (match === undefined) return text;
  const far = Number(distance) * (sign === '-' ? -1 : 1);
  const priority = number === undefined ? (PRIORITIES[name] ?? Number.NaN) + far : Number(number);
  return `${type} ${hook} ${priority} ${policy}`;
}

function hookOf({ hook }: Chain): string {
  return hook === undefined ? '' : `${hook.type} ${hook.hook} ${hook.priority} accept`;
}

/** The first of `texts` that occurs less often in `others`; -1 if there is none. */
function firstWithout(texts: readonly string[], others: readonly string[]): number {
  const left = new Map<string, number>();
  for (const text of others) left.set(text, (left.get(text) ?? 0) + 1);
  return texts.findIndex((text) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
}
