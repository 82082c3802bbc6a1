import type { Chain } from '../ruleset/chain.ts';
import { notUnderstood } from './fields.ts';
import { type Flow, join, type Step, Steps, stepsOf, type Trail, wholeFlow } from './flow.ts';
import { Lookups } from './lookups.ts';
import { type Facts, factsOf, ownAddresses, placeText, type TracedPacket } from './packet.ts';
import type { TracedRuleset } from './traced-ruleset.ts';
import { type End, type Terrain, walkBaseChain } from './walk-chain.ts';

/** What becomes of a connection. */
export type Fate =
  /** Neither stopped nor translated by this table. */
  | { readonly fate: 'untouched' }
  /** `endpoint`: "10.0.0.1:8080", "[fd00::1]:8080"; `sourceNat`: it gets the node's address as source. */
  | { readonly fate: 'translated'; readonly endpoint: string; readonly sourceNat: boolean }
  | { readonly fate: 'dropped' }
  /** `how`: "tcp reset" or an ICMP error, "port-unreachable". */
  | { readonly fate: 'rejected'; readonly how: string };

/** One fate, how likely it is (0 to 1), and the rules on the way there; of several ways the likeliest. Outcomes with the same steps share the list. */
export type Outcome = Fate & { readonly probability: number; readonly steps: readonly Step[] };

export interface Trace {
  /** With canonical addresses, and without a port if its protocol has none. */
  readonly packet: TracedPacket;
  /** Every fate once, the likeliest first (to one in a thousand; then as rules and slots go). They add up to 1. */
  readonly outcomes: readonly Outcome[];
}

/**
 * Follows the first packet of a connection through a family's table: which chains the kernel calls for it, in which
 * order, and what they do. Nothing is drawn: every outcome of a draw is followed.
 *
 * `pinned`: whether the packet's source is in a set that rules write to (session affinity), by the set's name; such
 * sets are not in the model. Without it the source is new to all.
 *
 * Throws E_USAGE for a packet the family cannot have, E_INTERNAL for a program with statements it does not know.
 */
export function tracePacket(
  ruleset: TracedRuleset,
  packet: TracedPacket,
  pinned: (set: string) => boolean = () => false,
): Trace {
  const isOwn = ownAddresses(packet);
  const chains = new Map(ruleset.chains.map((chain) => [chain.name, chain]));
  const lookups = new Lookups(ruleset, isOwn, pinned);
  const table = new TracedTable({ chains, lookups, steps: new Steps(), isOwn });
  const facts = factsOf(packet, ruleset.family);
  const start: Place = { facts, flow: wholeFlow() };
  const toNode = ({ facts }: Place) => isOwn(facts.destination);
  const onward = (place: Place) => !toNode(place);
  if (packet.from === 'node') {
    const sent = table.hook('postrouting', table.hook('output', [start]));
    // What the node sends to itself comes back over lo, and its connection has had its NAT by then.
    const back = sent.filter(toNode).map(({ facts, flow }) => ({ facts: { ...facts, iifname: 'lo' }, flow }));
    table.settle([...sent.filter(onward), ...table.hook('input', table.hook('prerouting', back, NAT_DONE), NAT_DONE)]);
  } else {
    const arrived = table.hook('prerouting', [start]);
    const forwarded = table.hook('forward', arrived.filter(onward));
    table.settle([...table.hook('input', arrived.filter(toNode)), ...table.hook('postrouting', forwarded)]);
  }
  const { source, destination, port } = facts;
  return { packet: { ...packet, source, destination, port }, outcomes: table.outcomes() };
}

/** A packet on its way between two base chains. */
interface Place {
  readonly facts: Facts;
  readonly flow: Flow;
}

/** For packets whose connection has had its NAT. */
const NAT_DONE = true;

const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** The base chains of a table by hook, and where packets ended in them. */
class TracedTable {
  readonly #terrain: Terrain;
  readonly #bases: readonly (readonly [NonNullable<Chain['hook']>, Chain])[];
  readonly #ends = new Map<string, { readonly fate: Fate; flow: Flow }>();

  constructor(terrain: Terrain) {
    this.#terrain = terrain;
    this.#bases = [...terrain.chains.values()]
      .flatMap((chain) => (chain.hook === undefined ? [] : [[chain.hook, chain] as const]))
      .sort(([a], [b]) => a.priority - b.priority);
    for (const [{ hook, type }, { name }] of this.#bases) {
      if (!HOOKS.includes(hook) || !['nat', 'filter'].includes(type)) throw notUnderstood(`${name}, ${type} ${hook}`);
    }
  }

  /** Calls a hook's chains in the kernel's order; gives the places of what goes on, each once. */
  hook(hook: string, places: readonly Place[], natDone?: typeof NAT_DONE): readonly Place[] {
    let here = places;
    for (const [{ type }, base] of this.#bases.filter(([of]) => of.hook === hook)) {
      const ends = here.flatMap(({ facts, flow }): readonly End[] => {
        // The first nat chain that translates decides for the connection (nf_nat_inet_fn).
        const decided = hook === 'prerouting' || hook === 'output' ? facts.destinationNat : facts.sourceNat;
        if (type === 'nat' && (natDone || decided)) return [{ to: 'next', facts, flow }];
        return walkBaseChain(base, hook, facts, flow, this.#terrain);
      });
      here = this.#goingOn(ends, type);
    }
    return here;
  }

  /** Notes that packets have left the table. */
  settle(places: readonly Place[]): void {
    for (const { facts, flow } of places) this.#end(fateOf(facts), flow);
  }

  outcomes(): readonly Outcome[] {
    const steps = new Map<Trail, readonly Step[]>();
    for (const { flow } of this.#ends.values()) {
      if (!steps.has(flow.trail)) steps.set(flow.trail, stepsOf(flow.trail));
    }
    return [...this.#ends.values()]
      .map(({ fate, flow }): Outcome => ({ ...fate, probability: flow.share, steps: steps.get(flow.trail) ?? [] }))
      .sort((a, b) => perMille(b) - perMille(a));
  }

  #goingOn(ends: readonly End[], type: string): readonly Place[] {
    for (const end of ends) {
      if (end.to === 'dropped') this.#end({ fate: 'dropped' }, end.flow);
      if (end.to === 'rejected') this.#end({ fate: 'rejected', how: end.how }, end.flow);
    }
    const places = ends.filter((end) => end.to === 'next');
    return type === 'nat' ? merged(places) : places;
  }

  #end(fate: Fate, flow: Flow): void {
    const key = Object.values(fate).join(' ');
    const known = this.#ends.get(key);
    if (known === undefined) this.#ends.set(key, { fate, flow });
    else known.flow = join(known.flow, flow);
  }
}

/** Two draws may give the same endpoint. */
function merged(places: readonly Place[]): readonly Place[] {
  const known = new Map<string, Place>();
  for (const { facts, flow } of places) {
    const { destination, port, destinationNat, sourceNat } = facts;
    const key = `${destination} ${port} ${destinationNat} ${sourceNat}`;
    known.set(key, { facts, flow: join(flow, known.get(key)?.flow) });
  }
  return [...known.values()];
}

function fateOf({ destination, port, destinationNat, sourceNat }: Facts): Fate {
  if (!destinationNat && !sourceNat) return { fate: 'untouched' };
  return { fate: 'translated', endpoint: placeText(destination, port), sourceNat };
}

function perMille({ probability }: Outcome): number {
  return Math.round(probability * 1000);
}
