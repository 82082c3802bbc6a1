import type { Family } from '../../src/ip.ts';
import type { Chain } from '../../src/ruleset/elements/chain.ts';
import type { Element } from '../../src/ruleset/elements/element.ts';
import type { FieldType, SetOrMap } from '../../src/ruleset/elements/set-or-map.ts';
import type { Statement } from '../../src/ruleset/elements/statement.ts';
import type { TracedPacket } from '../../src/trace/packet.ts';
import { type Fate, type Trace, tracePacket } from '../../src/trace/trace-packet.ts';
import type { TracedRuleset } from '../../src/trace/traced-ruleset.ts';

export type Rules = readonly (readonly Statement[])[];

/** A set or map: the types of its key's fields, and key → value ("" in a set). */
export interface Data {
  readonly types: readonly FieldType[];
  readonly elements: Readonly<Record<string, string>>;
}

/** A table made by hand: chains by name, data by name. A name "nat prerouting -100" makes a base chain. */
export function tracedTable(
  chains: Readonly<Record<string, Rules>>,
  data: Readonly<Record<string, Data>> = {},
  family: Family = 'ip',
): TracedRuleset {
  const of = { meta: { key: 'l4proto' } };
  const tables = Object.entries(data).map(([name, { types, elements }]) => {
    const setOrMap: SetOrMap = {
      name,
      key: types.map((type) => ({ type, of })),
      ...(types.includes('cidr') ? { interval: true } : {}),
      comment: '',
    };
    const held = Object.entries(elements).map(([key, value]): Element => ({ setOrMap, key, value, comment: '' }));
    return { setOrMap, held };
  });
  const elementsOf = (name: string) => tables.find(({ setOrMap }) => setOrMap.name === name)?.held ?? [];
  return {
    family,
    setsAndMaps: tables.map(({ setOrMap }) => setOrMap),
    chains: Object.entries(chains).map(([name, rules]) => ({ name, rules, ...hookOf(name) })),
    lookUp: (name, key) => elementsOf(name).find((element) => element.key === key),
    elementsOf: ({ name }) => elementsOf(name),
  };
}

function hookOf(name: string): Pick<Chain, 'hook'> {
  const [type, hook, priority] = name.split(' ');
  if (hook === undefined || (type !== 'nat' && type !== 'filter')) return {};
  return { hook: { type, hook, priority: Number(priority) } };
}

/** TCP from 10.244.0.5, a pod, to 192.0.2.80:80; the node is 192.0.2.1. */
export function packet(changes: Partial<TracedPacket> = {}): TracedPacket {
  return {
    source: '10.244.0.5',
    destination: '192.0.2.80',
    protocol: 'tcp',
    port: 80,
    from: 'pod',
    own: ['192.0.2.1'],
    ...changes,
  };
}

/** The fates of a trace in a word or two, likeliest first: "dropped", "10.0.0.1:80", "10.0.0.1:80 masqueraded". */
export function fates({ outcomes }: Trace): readonly string[] {
  return outcomes.map(fateWords);
}

/** The fates with their probabilities in percent. */
export function shares({ outcomes }: Trace): Readonly<Record<string, number>> {
  return Object.fromEntries(
    outcomes.map((outcome) => [fateWords(outcome), Number((outcome.probability * 100).toFixed(3))]),
  );
}

/** The only fate of a packet; "a | b" if there are more. */
export function fateIn(table: TracedRuleset, changes: Partial<TracedPacket> = {}): string {
  return fates(tracePacket(table, packet(changes))).join(' | ');
}

function fateWords(fate: Fate): string {
  if (fate.fate === 'translated') return `${fate.endpoint}${fate.sourceNat ? ' masqueraded' : ''}`;
  return fate.fate === 'rejected' ? fate.how : fate.fate;
}
