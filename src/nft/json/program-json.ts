import type { Family } from '../../ip.ts';
import type { Chain } from '../../ruleset/elements/chain.ts';
import type { Field, SetOrMap } from '../../ruleset/elements/set-or-map.ts';
import type { Expression } from '../../ruleset/elements/statement.ts';
import type { Program } from '../../ruleset/program/program.ts';

/**
 * The commands that add base chains with their rules, which makes a staged table live. Priorities are numbers: for a name
 * ("dstnat"), nft's JSON form silently creates a chain without a hook.
 */
export function hookCommands(program: Program, table: string): readonly string[] {
  const base = program.chains.filter(({ hook }) => hook !== undefined);
  return chainObjects(program.family, table, base).map((object) => JSON.stringify({ add: object }));
}

/** Chains, then their rules, as libnftables JSON objects. */
export function chainObjects(family: Family, table: string, chains: readonly Chain[]): readonly object[] {
  return [
    ...chains.map((chain) => chainObject(family, table, chain)),
    ...chains.flatMap((chain) => ruleObjects(family, table, chain)),
  ];
}

function chainObject(family: Family, table: string, { name, hook }: Chain): object {
  const called = hook && { type: hook.type, hook: hook.hook, prio: hook.priority, policy: 'accept' };
  return { chain: { family, table, name, ...called } };
}

function ruleObjects(family: Family, table: string, { name, rules, signature }: Chain): readonly object[] {
  const last = rules.length - 1;
  return rules.map((expr, i) => ({
    rule: { family, table, chain: name, expr, ...(signature !== undefined && i === last && { comment: signature }) },
  }));
}

/** A chain whose rules are to be restored. `isMoved`: its hook also differs, so it has to be created again. */
export interface Rewritten {
  readonly chain: Chain;
  readonly isMoved: boolean;
}

/** The commands that restore the rules of chains, in one document: no packet meets a chain without rules. */
export function rewriteCommands(family: Family, table: string, rewritten: readonly Rewritten[]): readonly string[] {
  const own = ({ name }: Chain) => ({ chain: { family, table, name } });
  const added = (chain: Chain) => ({ add: chainObject(family, table, chain) });
  return [
    // The rules of one may lead to another.
    ...rewritten.flatMap(({ chain, isMoved }) => [
      added(chain),
      { flush: own(chain) },
      ...(isMoved ? [{ delete: own(chain) }, added(chain)] : []),
    ]),
    ...rewritten.flatMap(({ chain }) => ruleObjects(family, table, chain).map((rule) => ({ add: rule }))),
  ].map((command) => JSON.stringify(command));
}

/** The commands that delete a chain that nothing leads to, and its rules. */
export function deleteChainCommands(family: Family, table: string, name: string): readonly string[] {
  const chain = { family, table, name };
  return [{ flush: { chain } }, { delete: { chain } }].map((command) => JSON.stringify(command));
}

/** Sets and maps as libnftables JSON objects, with `typeof` declarations for nft 1.1.2 and newer. */
export function setAndMapObjects(family: Family, table: string, setsAndMaps: readonly SetOrMap[]): readonly object[] {
  return setsAndMaps.map(({ name, key, value, interval, counts }) => {
    const common = {
      family,
      table,
      name,
      type: { typeof: typeOf(key) },
      ...(interval && { flags: ['interval'] }),
      ...(counts && { stmt: [{ counter: null }] }),
    };
    if (value === undefined) return { set: common };
    return { map: { ...common, map: { typeof: value === 'verdict' ? VERDICT : typeOf(value) } } };
  });
}

/**
 * The data of a verdict map as the `typeof` of a verdict. With the plain word "verdict", nft 1.1.3 and 1.1.7 also lose the
 * key's `typeof`, and a map declared like that makes nft 1.0.6 crash at every `list` and `delete table`.
 */
const VERDICT = { accept: null };

function typeOf(fields: readonly Field[]): Expression {
  const [first, ...rest] = fields.map(({ of }) => of);
  if (first === undefined) throw new Error('a set needs a key');
  return rest.length === 0 ? first : { concat: [first, ...rest] };
}
