import { FAMILIES, type Family } from '../../../src/ip.ts';
import type { Draws } from '../../peer/draws.ts';
import { mayChange } from '../addresses.ts';
import type { Arena } from '../arena.ts';
import type { Fault, Injected } from '../fault.ts';
import { type ListedTable, listTable, liveTable } from '../table-in-kernel.ts';
import { elementWithOtherKey, elementWithOtherValue, keyOf } from './elements.ts';

/** Milliseconds that a fault's own nft has: it begins anew whenever the daemon commits something meanwhile. */
const PATIENCE = 120_000;

/** Loads a text or, as a list of commands, JSON; as somebody else on the node would. */
async function nft(arena: Arena, document: string | readonly object[]): Promise<void> {
  const isText = typeof document === 'string';
  const input = isText ? document : JSON.stringify({ nftables: document });
  // A pipe: nft opens its stdin by path where it reads JSON, and Node's pipes are sockets.
  const byPipe = ['sh', '-c', 'cat | nft "$@"', 'sh'];
  await arena.world.exec('node', [...byPipe, ...(isText ? [] : ['-j']), '-f', '-'], { input, timeoutMs: PATIENCE });
}

/** A table of ours, of any family. */
async function drawTable(arena: Arena, draws: Draws): Promise<ListedTable> {
  const family = draws.pick(FAMILIES);
  const table = await listTable(arena.world, family);
  if (table === undefined) throw new Error(`there is no live table of family ${family}`);
  return table;
}

/** Whether each of these rules, by chain in their order, is what the live table has now. */
async function hasRules(arena: Arena, before: ListedTable, chains: readonly string[]): Promise<boolean> {
  const table = await listTable(arena.world, before.family);
  if (table === undefined) return false;
  const rulesIn = (of: ListedTable, name: string) =>
    of.rules.filter(({ chain }) => chain === name).map(({ text }) => text);
  const hookOf = (of: ListedTable, name: string) => {
    const chain = of.chains.find((each) => each.name === name);
    return chain && `${chain.type} ${chain.hook} ${chain.prio} ${chain.policy}`;
  };
  return chains.every(
    (name) =>
      hookOf(table, name) === hookOf(before, name) &&
      rulesIn(table, name).join('\n') === rulesIn(before, name).join('\n'),
  );
}

/** Whether a set or map has all these elements again, and none of `foreign`. */
async function hasElements(
  arena: Arena,
  { family }: ListedTable,
  wanted: readonly { readonly setOrMap: string; readonly text: string }[],
  foreign: readonly { readonly setOrMap: string; readonly key: string }[] = [],
): Promise<boolean> {
  const table = await listTable(arena.world, family);
  if (table === undefined) return false;
  const found = new Set(table.elements.map(({ setOrMap, text }) => `${setOrMap} ${text}`));
  const keys = new Set(table.elements.map((element) => `${element.setOrMap} ${keyOf(element)}`));
  return (
    wanted.every(({ setOrMap, text }) => found.has(`${setOrMap} ${text}`)) &&
    foreign.every(({ setOrMap, key }) => !keys.has(`${setOrMap} ${key}`))
  );
}

async function bothAreLive(arena: Arena): Promise<boolean> {
  const names = await Promise.all(FAMILIES.map((family) => liveTable(arena.world, family)));
  return names.every((name) => name !== undefined);
}

const HARMFUL = { harms: true, isTold: true } as const;

type ChainFault = (table: ListedTable, draws: Draws) => { readonly chain: string; readonly text: string };

/** A fault of one chain's rules or hook, by the command that does it. */
function ofChain(kind: string, what: string, draw: ChainFault): Fault {
  return {
    kind,
    what,
    ...HARMFUL,
    inject: async (arena, draws) => {
      const table = await drawTable(arena, draws);
      const { chain, text } = draw(table, draws);
      await nft(arena, text);
      return { what: text.trim().replaceAll('\n', '; '), isRepaired: () => hasRules(arena, table, [chain]) };
    },
  };
}

const isBase = (table: ListedTable, name: string) =>
  table.chains.some((chain) => chain.name === name && chain.hook !== undefined);

/** Chains of the program that have rules; those of session affinity come and go with their Services. */
function lastingRules(table: ListedTable) {
  return table.rules.filter(({ chain }) => !chain.includes('/') && !chain.startsWith('pick-'));
}

/** What somebody's rule may do with packets. */
const STATEMENTS = ['drop', 'accept', 'return', 'counter'];

interface ElementCommand {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly elem: readonly unknown[];
}

const command = (table: ListedTable, setOrMap: string, elem: unknown): ElementCommand => ({
  family: table.family,
  table: table.name,
  name: setOrMap,
  elem: [elem],
});

function lastingElements(table: ListedTable) {
  return table.elements.filter(({ text }) => !mayChange(text));
}

/** What others do to our tables. */
export const KERNEL_FAULTS: readonly Fault[] = [
  {
    kind: 'ruleset-flushed',
    what: 'somebody runs `nft flush ruleset`',
    ...HARMFUL,
    inject: async (arena) => {
      await nft(arena, 'flush ruleset\n');
      return { what: 'flush ruleset', isRepaired: () => bothAreLive(arena) };
    },
  },
  {
    kind: 'table-deleted',
    what: 'the table of one family is deleted',
    ...HARMFUL,
    inject: async (arena, draws) => {
      const family = draws.pick(FAMILIES);
      const name = await liveTable(arena.world, family);
      await nft(arena, `delete table ${family} ${name}\n`);
      return { what: `delete table ${family} ${name}`, isRepaired: () => bothAreLive(arena) };
    },
  },
  ofChain('base-chain-deleted', 'a base chain is deleted with its rules: a hook is lost', (table, draws) => {
    const { name } = draws.pick(table.chains.filter((chain) => chain.hook !== undefined));
    const chain = `${table.family} ${table.name} ${name}`;
    return { chain: name, text: `flush chain ${chain}\ndelete chain ${chain}\n` };
  }),
  ofChain('base-chain-policy', 'the policy of a base chain becomes drop', (table, draws) => {
    const { name } = draws.pick(table.chains.filter((chain) => chain.hook !== undefined));
    return { chain: name, text: `chain ${table.family} ${table.name} ${name} { policy drop; }\n` };
  }),
  ofChain('base-chain-flushed', 'the rules of a base chain are deleted', (table, draws) => {
    const { chain } = draws.pick(lastingRules(table).filter((rule) => isBase(table, rule.chain)));
    return { chain, text: `flush chain ${table.family} ${table.name} ${chain}\n` };
  }),
  ofChain('dispatch-flushed', 'the rules of the chain dispatch are deleted', (table) => ({
    chain: 'dispatch',
    text: `flush chain ${table.family} ${table.name} dispatch\n`,
  })),
  ofChain('chain-flushed', 'the rules of any other chain are deleted', (table, draws) => {
    const rules = table.rules.filter((rule) => !isBase(table, rule.chain) && !rule.chain.includes('/'));
    const { chain } = draws.pick(rules);
    return { chain, text: `flush chain ${table.family} ${table.name} ${chain}\n` };
  }),
  ofChain('rule-deleted', 'one rule is deleted', (table, draws) => {
    const { chain, handle } = draws.pick(lastingRules(table));
    return { chain, text: `delete rule ${table.family} ${table.name} ${chain} handle ${handle}\n` };
  }),
  ofChain('rule-inserted', 'a rule is inserted before ours: drop, accept, return, counter', (table, draws) => {
    const { chain } = draws.pick(lastingRules(table));
    return { chain, text: `insert rule ${table.family} ${table.name} ${chain} ${draws.pick(STATEMENTS)}\n` };
  }),
  ofChain('rule-replaced', 'one rule is replaced by another', (table, draws) => {
    const { chain, handle } = draws.pick(lastingRules(table));
    const place = `${table.family} ${table.name} ${chain} handle ${handle}`;
    return { chain, text: `replace rule ${place} ${draws.pick(STATEMENTS)}\n` };
  }),
  {
    kind: 'chain-inserted',
    what: 'a base chain that drops Service traffic is added to our table',
    ...HARMFUL,
    inject: async (arena, draws) => {
      const { family, name } = await drawTable(arena, draws);
      const intruder = `intruder-${draws.below(10_000)}`;
      const chain = `chain ${intruder} { type filter hook prerouting priority -300; th dport 80 drop; }`;
      await nft(arena, `table ${family} ${name} { ${chain}; }\n`);
      return {
        what: `${family} ${name}: ${chain}`,
        isRepaired: async () => {
          const chains = (await listTable(arena.world, family))?.chains ?? [];
          return chains.length > 0 && chains.every((each) => each.name !== intruder);
        },
      };
    },
  },
  {
    kind: 'map-flushed',
    what: 'all elements of one map or set are deleted',
    ...HARMFUL,
    inject: async (arena, draws) => {
      const table = await drawTable(arena, draws);
      const setOrMap = draws.pick([...new Set(lastingElements(table).map((element) => element.setOrMap))]);
      const lost = lastingElements(table).filter((element) => element.setOrMap === setOrMap);
      const { family, name } = table;
      const its = { family, table: name, name: setOrMap };
      await nft(arena, [{ flush: lost.some(({ isMap }) => isMap) ? { map: its } : { set: its } }]);
      return { what: `flush ${family} ${name} ${setOrMap}`, isRepaired: () => hasElements(arena, table, lost) };
    },
  },
  {
    kind: 'element-deleted',
    what: 'one element of a map or set is deleted',
    ...HARMFUL,
    inject: async (arena, draws): Promise<Injected> => {
      const table = await drawTable(arena, draws);
      const element = drawElement(lastingElements(table), draws);
      const key = JSON.parse(keyOf(element));
      await nft(arena, [{ delete: { element: command(table, element.setOrMap, key) } }]);
      return {
        what: `delete ${table.family} ${element.setOrMap} ${element.text}`,
        isRepaired: () => hasElements(arena, table, [element]),
      };
    },
  },
  {
    kind: 'element-inserted',
    what: 'an element that is not ours is added to a map or set',
    ...HARMFUL,
    inject: async (arena, draws): Promise<Injected> => {
      const table = await drawTable(arena, draws);
      const model = drawElement(lastingElements(table), draws);
      const { json, key } = elementWithOtherKey(model, draws);
      await nft(arena, [{ add: { element: command(table, model.setOrMap, json) } }]);
      return {
        what: `add ${table.family} ${model.setOrMap} ${JSON.stringify(json)}`,
        isRepaired: () => hasElements(arena, table, [], [{ setOrMap: model.setOrMap, key }]),
      };
    },
  },
  {
    kind: 'element-replaced',
    what: 'one element of a map gets another value: drop, or the address of another pod',
    ...HARMFUL,
    inject: async (arena, draws): Promise<Injected> => {
      const table = await drawTable(arena, draws);
      const element = drawElement(
        lastingElements(table).filter(({ isMap }) => isMap),
        draws,
      );
      const key = JSON.parse(keyOf(element));
      await nft(arena, [
        { delete: { element: command(table, element.setOrMap, key) } },
        { add: { element: command(table, element.setOrMap, elementWithOtherValue(element, table.family)) } },
      ]);
      return {
        what: `replace ${table.family} ${element.setOrMap} ${element.text}`,
        isRepaired: () => hasElements(arena, table, [element]),
      };
    },
  },
];

/** Each set or map with the same chance, however many elements it has. */
function drawElement<E extends { readonly setOrMap: string }>(elements: readonly E[], draws: Draws): E {
  const setOrMap = draws.pick([...new Set(elements.map((element) => element.setOrMap))]);
  return draws.pick(elements.filter((element) => element.setOrMap === setOrMap));
}
