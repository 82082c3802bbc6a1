import type { Chain } from '../ruleset/elements/chain.ts';
import type { Element } from '../ruleset/elements/element.ts';
import type { Statement } from '../ruleset/elements/statement.ts';
import type { Steps as InSteps } from '../service/steps.ts';
import { type IsOwn, notUnderstood } from './fields.ts';
import { afterStep, type Flow, join, partOf, type Steps } from './flow.ts';
import type { Draw, Lookups } from './lookups.ts';
import { matchPacket } from './matches.ts';
import type { Facts } from './packet.ts';
import type { Way } from './way.ts';

/** What a trace walks through. */
export interface TraceContext {
  /** Undefined where there is none of that name. */
  readonly chain: (name: string) => Chain | undefined;
  readonly lookups: Lookups;
  readonly way: Way;
  readonly steps: Steps;
  readonly isOwn: IsOwn;
}

/** How a packet leaves a base chain: it continues, possibly translated, or this is its end. */
export type End =
  | { readonly to: 'next'; readonly facts: Facts; readonly flow: Flow }
  | { readonly to: 'dropped'; readonly flow: Flow }
  | { readonly to: 'rejected'; readonly how: string; readonly flow: Flow };

/** Translations that are made in one step. */
const STEP = 1000;

/** The kernel's NFT_JUMP_STACK_SIZE: it refuses rulesets with more levels, and so with loops. */
const MAX_DEPTH = 16;

/**
 * Takes a packet through a base chain and everything it leads to, and returns every way to leave it. The packet does not
 * change before a verdict, so each rule is evaluated once for all ways that reach it, and draws do not multiply. Throws
 * E_INTERNAL for an unknown statement.
 */
export function walkBaseChain(
  base: Chain,
  hook: string,
  facts: Facts,
  flow: Flow,
  context: TraceContext,
): InSteps<readonly End[]> {
  return new ChainWalk(hook, facts, context).walk(base, flow);
}

/** What continues with the next rule, and what returns to the chain's caller (at the end of the target of a goto). */
interface Branches {
  readonly next?: Flow | undefined;
  readonly back?: Flow | undefined;
}

/** A packet on its way through one base chain. */
class ChainWalk {
  readonly #hook: string;
  readonly #facts: Facts;
  readonly #context: TraceContext;
  readonly #ends: End[] = [];
  /** Translations by a map: eight draws from the same slots are combined. */
  readonly #drawn = new Map<Draw, Flow>();

  constructor(hook: string, facts: Facts, context: TraceContext) {
    this.#hook = hook;
    this.#facts = facts;
    this.#context = context;
  }

  *walk(base: Chain, flow: Flow): InSteps<readonly End[]> {
    const accepted = yield* this.#chain(base, flow, 0);
    for (const [{ hits }, drawing] of this.#drawn) {
      for (const { element, share } of hits) {
        const [address = '', port] = element.value.split(' . ');
        this.#translate(address, port === undefined ? this.#facts.port : Number(port), partOf(drawing, share));
        if (this.#ends.length % STEP === 0) yield;
      }
    }
    if (accepted !== undefined) this.#ends.push({ to: 'next', facts: this.#facts, flow: accepted });
    return this.#ends;
  }

  /** Returns what comes back to the caller. */
  *#chain(chain: Chain, flow: Flow, depth: number): InSteps<Flow | undefined> {
    this.#context.way.enters(chain.name);
    if (depth >= MAX_DEPTH) throw notUnderstood(`chain ${chain.name}, ${depth} levels deep`);
    let here: Flow | undefined = flow;
    let returned: Flow | undefined;
    for (const rule of chain.rules) {
      if (here === undefined) break;
      yield;
      const { next, back }: Branches = yield* this.#rule(chain.name, rule, here, depth);
      here = next;
      returned = join(returned, back);
    }
    return join(returned, here);
  }

  *#rule(chain: string, rule: readonly Statement[], flow: Flow, depth: number): InSteps<Branches> {
    const { lookups, isOwn, steps } = this.#context;
    const after = (here: Flow, result: string, matched = true) =>
      afterStep(here, steps.step(this.#hook, chain, rule, result, matched));
    /** The part of a draw that misses. Not shown if another part hits, because the next rule draws again. */
    const missing = ({ key, missed }: Draw, here: Flow) => {
      if (missed < 1) return missed === 0 ? undefined : partOf(here, missed);
      return after(here, this.#facts.destinationNat ? 'nothing' : `nothing for ${key}`, false);
    };
    let on = flow;
    let passed: Flow | undefined;
    let comment = '';
    for (const statement of rule) {
      if ('match' in statement) {
        const matched = yield* matchPacket(statement.match, this.#facts, lookups, isOwn);
        if (matched.share < 1) passed = join(passed, partOf(on, 1 - matched.share));
        if (matched.share === 0) return { next: passed };
        on = partOf(on, matched.share);
        comment = matched.comment || comment;
      } else if ('vmap' in statement) {
        const draw = yield* lookups.draw(statement.vmap, this.#facts);
        if (draw === undefined) return { next: join(passed, on) };
        let parted: Branches = { next: join(passed, missing(draw, on)) };
        for (const { element, share } of draw.hits) {
          const taken = after(partOf(on, share), withComment(`${element.key} : ${element.value}`, element.comment));
          parted = both(parted, yield* this.#verdict(verdictOf(element), taken, depth));
        }
        return parted;
      } else if ('dnat' in statement) {
        const { dnat } = statement;
        if (dnat.family !== this.#facts.family) throw notUnderstood(statement);
        if ('port' in dnat) {
          this.#translate(dnat.addr, dnat.port, after(on, ''));
          return { next: passed };
        }
        const draw = yield* lookups.draw(dnat.addr.map, this.#facts);
        if (draw === undefined) return { next: join(passed, on) };
        const [hit] = draw.hits;
        if (hit !== undefined) {
          const result = draw.hits.length === 1 ? hit.element.value : `one of ${draw.hits.length}`;
          const drawing = after(on, withComment(result, hit.element.comment));
          this.#drawn.set(draw, join(drawing, this.#drawn.get(draw)));
        }
        return { next: join(passed, missing(draw, on)) };
      } else if ('ct count' in statement || ('set' in statement && statement.set.stmt !== undefined)) {
        // It is unknown here how much of a limit is used up. The packet counts as within it.
        return { next: join(passed, after(on, 'assumed to be within the limit', false)) };
      } else if ('reject' in statement && statement.reject.type === 'tcp reset' && this.#facts.protocol !== 'tcp') {
        // nft adds a match for TCP before it.
        return { next: join(passed, on) };
      } else if (isVerdict(statement)) {
        return both({ next: passed }, yield* this.#verdict(statement, after(on, withComment('', comment)), depth));
      } else if (!('counter' in statement) && statement.set?.op !== 'update') {
        throw notUnderstood(statement);
      }
    }
    return { next: join(passed, after(on, withComment('', comment))) };
  }

  /** Carries out the last statement of a rule. */
  *#verdict(statement: Verdict, flow: Flow, depth: number): InSteps<Branches> {
    if ('jump' in statement) return { next: yield* this.#chain(this.#target(statement.jump.target), flow, depth + 1) };
    if ('goto' in statement) return { back: yield* this.#chain(this.#target(statement.goto.target), flow, depth + 1) };
    if ('drop' in statement) this.#ends.push({ to: 'dropped', flow });
    else if ('reject' in statement) this.#ends.push({ to: 'rejected', how: rejection(statement.reject), flow });
    else this.#ends.push({ to: 'next', facts: { ...this.#facts, sourceNat: true }, flow });
    return {};
  }

  #translate(destination: string, port: number | undefined, flow: Flow): void {
    this.#ends.push({ to: 'next', facts: { ...this.#facts, destination, port, destinationNat: true }, flow });
  }

  #target(name: string): Chain {
    const chain = this.#context.chain(name);
    if (chain === undefined) throw notUnderstood(`chain ${name}`);
    return chain;
  }
}

function both(one: Branches, other: Branches): Branches {
  return { next: join(one.next, other.next), back: join(one.back, other.back) };
}

/** Statements after which the rest of a rule is not carried out. */
type Verdict = Exclude<
  Statement,
  | Record<'match', object>
  | Record<'vmap', object>
  | Record<'dnat', object>
  | Record<'set', object>
  | Record<'ct count', object>
>;

function isVerdict(statement: Statement): statement is Verdict {
  return ['jump', 'goto', 'drop', 'reject', 'masquerade'].some((verdict) => verdict in statement);
}

function verdictOf({ value }: Element): Verdict {
  const [verb, target] = value.split(' ');
  if (verb === 'goto' && target !== undefined) return { goto: { target } };
  if (verb === 'jump' && target !== undefined) return { jump: { target } };
  if (value === 'drop') return { drop: null };
  throw notUnderstood(value);
}

type Reject = Extract<Statement, { readonly reject: object }>['reject'];

function rejection(reject: Reject): string {
  return 'expr' in reject ? reject.expr : reject.type;
}

function withComment(text: string, comment: string): string {
  return comment === '' ? text : `${text} (${comment})`.trim();
}
