import type { Chain } from '../ruleset/elements/chain.ts';
import { sortedSteps } from '../service/sorted-steps.ts';
import { atOnce, type Steps as InSteps } from '../service/steps.ts';
import { notUnderstood } from './fields.ts';
import { type Flow, join, type Step, Steps, stepsOf, type Trail, wholeFlow } from './flow.ts';
import { Lookups } from './lookups.ts';
import { type Facts, factsOf, ownAddresses, placeText, type TracedPacket } from './packet.ts';
import type { TracedRuleset } from './traced-ruleset.ts';
import { type End, type TraceContext, walkBaseChain } from './walk-chain.ts';
import { Way } from './way.ts';

/** What happens to a connection. */
export type Fate =
  /** Neither stopped nor translated by this table. */
  | { readonly fate: 'untouched' }
  /** `endpoint`: "10.0.0.1:8080", "[fd00::1]:8080"; `sourceNat`: it gets the node's address as source. */
  | { readonly fate: 'translated'; readonly endpoint: string; readonly sourceNat: boolean }
  | { readonly fate: 'dropped' }
  /** `how`: "tcp reset" or an ICMP error, "port-unreachable". */
  | { readonly fate: 'rejected'; readonly how: string };

/**
 * A fate, its probability (0 to 1), and the rules on the way there: the likeliest of several ways. Outcomes with the same
 * steps share the list.
 */
export type Outcome = Fate & { readonly probability: number; readonly steps: readonly Step[] };

export interface Trace {
  /** With canonical addresses, and without a port if its protocol has none. */
  readonly packet: TracedPacket;
  /** Every fate once, the likeliest first (rounded to a thousandth, then in the order of rules and slots). The sum is 1. */
  readonly outcomes: readonly Outcome[];
  /** What in the table decided about it. */
  readonly way: Way;
}

/**
 * Follows the first packet of a connection through a family's table: which chains the kernel calls for it, in which order,
 * and what they do. It draws nothing: every outcome of a draw is followed.
 *
 * `pinned`: whether the packet's source is in a set that rules write to (session affinity), by the set's name; the model
 * does not have such sets. Without it, the source is new to all of them.
 *
 * Throws E_USAGE for a packet that the family cannot have, E_INTERNAL for a program with unknown statements.
 */
export function tracePacket(...args: Parameters<typeof traceSteps>): Trace {
  return atOnce(traceSteps(...args));
}

/**
 * The same in steps: a packet to a frontend with 40,000 endpoints is followed to each of them. The table may change in
 * between. Then the trace goes partly through the old and partly through the new state.
 */
export function* traceSteps(
  ruleset: TracedRuleset,
  packet: TracedPacket,
  pinned: (set: string) => boolean = () => false,
): InSteps<Trace> {
  const isOwn = ownAddresses(packet);
  const way = new Way();
  const byName = () => new Map(ruleset.chains.map((chain) => [chain.name, chain]));
  let chains = byName();
  const chain = (name: string) => {
    // A chain that was added in the meantime.
    if (!chains.has(name)) chains = new Map([...chains, ...byName()]);
    return chains.get(name);
  };
  const lookups = new Lookups(ruleset, isOwn, pinned, way);
  const table = new TracedTable([...chains.values()], { chain, lookups, steps: new Steps(), isOwn, way });
  const facts = factsOf(packet, ruleset.family);
  const start: Place = { facts, flow: wholeFlow() };
  const toNode = ({ facts }: Place) => isOwn(facts.destination);
  const onward = (place: Place) => !toNode(place);
  if (packet.from === 'node') {
    const sent = yield* table.hook('postrouting', yield* table.hook('output', [start]));
    // What the node sends to itself comes back over lo. By then, its connection has had its NAT.
    const back = sent.filter(toNode).map(({ facts, flow }) => ({ facts: { ...facts, iifname: 'lo' }, flow }));
    const returned = yield* table.hook('input', yield* table.hook('prerouting', back, NAT_DONE), NAT_DONE);
    yield* table.settle([...sent.filter(onward), ...returned]);
  } else {
    const arrived = yield* table.hook('prerouting', [start]);
    const forwarded = yield* table.hook('forward', arrived.filter(onward));
    const received = yield* table.hook('input', arrived.filter(toNode));
    yield* table.settle([...received, ...(yield* table.hook('postrouting', forwarded))]);
  }
  const { source, destination, port } = facts;
  return { packet: { ...packet, source, destination, port }, outcomes: yield* table.outcomes(), way };
}

/** A packet on its way between two base chains. */
interface Place {
  readonly facts: Facts;
  readonly flow: Flow;
}

/** For packets whose connection has had its NAT. */
const NAT_DONE = true;

/** How many places, or outcomes, are processed in one step. */
const STEP = 1000;

const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** The base chains of a table by hook, and where packets ended in them. */
class TracedTable {
  readonly #context: TraceContext;
  readonly #bases: readonly (readonly [NonNullable<Chain['hook']>, Chain])[];
  readonly #ends = new Map<string, { readonly fate: Fate; flow: Flow }>();

  constructor(chains: readonly Chain[], context: TraceContext) {
    this.#context = context;
    this.#bases = chains
      .flatMap((chain) => (chain.hook === undefined ? [] : [[chain.hook, chain] as const]))
      .sort(([a], [b]) => a.priority - b.priority);
    for (const [{ hook, type }, { name }] of this.#bases) {
      if (!HOOKS.includes(hook) || !['nat', 'filter'].includes(type)) throw notUnderstood(`${name}, ${type} ${hook}`);
    }
  }

  /** Calls a hook's chains in the kernel's order. Returns the places of packets that continue, each once. */
  *hook(hook: string, places: readonly Place[], natDone?: typeof NAT_DONE): InSteps<readonly Place[]> {
    let here = places;
    for (const [{ type }, base] of this.#bases.filter(([of]) => of.hook === hook)) {
      const ends: End[] = [];
      for (const { facts, flow } of here) {
        // The first nat chain that translates decides for the connection (nf_nat_inet_fn).
        const decided = hook === 'prerouting' || hook === 'output' ? facts.destinationNat : facts.sourceNat;
        if (type === 'nat' && (natDone || decided)) ends.push({ to: 'next', facts, flow });
        else for (const end of yield* walkBaseChain(base, hook, facts, flow, this.#context)) ends.push(end);
      }
      here = yield* this.#goingOn(ends, type);
    }
    return here;
  }

  /** Notes that packets have left the table. */
  *settle(places: readonly Place[]): InSteps<void> {
    for (const [i, { facts, flow }] of places.entries()) {
      this.#end(fateOf(facts), flow);
      if (i % STEP === STEP - 1) yield;
    }
  }

  *outcomes(): InSteps<readonly Outcome[]> {
    const steps = new Map<Trail, readonly Step[]>();
    const outcomes: Outcome[] = [];
    for (const { fate, flow } of this.#ends.values()) {
      const known = steps.get(flow.trail) ?? stepsOf(flow.trail);
      steps.set(flow.trail, known);
      outcomes.push({ ...fate, probability: flow.share, steps: known });
      if (outcomes.length % STEP === 0) yield;
    }
    return yield* sortedSteps(outcomes, (a, b) => perMille(b) - perMille(a));
  }

  *#goingOn(ends: readonly End[], type: string): InSteps<readonly Place[]> {
    for (const end of ends) {
      if (end.to === 'dropped') this.#end({ fate: 'dropped' }, end.flow);
      if (end.to === 'rejected') this.#end({ fate: 'rejected', how: end.how }, end.flow);
    }
    const places = ends.filter((end) => end.to === 'next');
    return type === 'nat' ? yield* merged(places) : places;
  }

  #end(fate: Fate, flow: Flow): void {
    const key = Object.values(fate).join(' ');
    const known = this.#ends.get(key);
    if (known === undefined) this.#ends.set(key, { fate, flow });
    else known.flow = join(known.flow, flow);
  }
}

/** Two draws may result in the same endpoint. */
function* merged(places: readonly Place[]): InSteps<readonly Place[]> {
  const known = new Map<string, Place>();
  for (const [i, { facts, flow }] of places.entries()) {
    if (i % STEP === STEP - 1) yield;
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
