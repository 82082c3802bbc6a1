import { type Cidr, isInCidr, parseCidr } from '../ip.ts';
import { concat, type Element } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Expression, Lookup } from '../ruleset/elements/statement.ts';
import type { Steps } from '../service/steps.ts';
import { fieldOf, type IsOwn, notUnderstood } from './fields.ts';
import type { Facts } from './packet.ts';
import type { TracedRuleset } from './traced-ruleset.ts';
import type { Way } from './way.ts';

/** Every possible result of a lookup in a map. */
export interface Draw {
  /** The key; "random" stands for a number that is drawn. */
  readonly key: string;
  /** What is found, and with which probability: one hit for each value, so slots with the same endpoint are combined. */
  readonly hits: readonly { readonly element: Element; readonly share: number }[];
  /** The probability that nothing is found. */
  readonly missed: number;
}

/** Looks up keys in the sets and maps of a ruleset for one trace, and caches the results. */
export class Lookups {
  readonly #ruleset: TracedRuleset;
  readonly #isOwn: IsOwn;
  readonly #way: Way;
  /** Sets that rules write to, and whether with a limit. The model does not have their elements. Computed on demand. */
  #written: ReadonlyMap<string, boolean> | undefined;
  readonly #pinned: (set: string) => boolean;
  readonly #setsAndMaps: ReadonlyMap<string, SetOrMap>;
  readonly #draws = new Map<string, Draw>();
  readonly #networks = new Map<string, Cidr | undefined>();

  /**
   * `pinned`: whether the packet's source is in a set that rules write to, by the set's name. `way`: records the lookups.
   */
  constructor(ruleset: TracedRuleset, isOwn: IsOwn, pinned: (set: string) => boolean, way: Way) {
    this.#ruleset = ruleset;
    this.#isOwn = isOwn;
    this.#way = way;
    this.#pinned = pinned;
    this.#setsAndMaps = new Map(ruleset.setsAndMaps.map((setOrMap) => [setOrMap.name, setOrMap]));
  }

  /**
   * The element of a set ("@name") that contains a packet; true for a set that rules write to; undefined if the packet has
   * no such fields.
   */
  *membership(key: Expression, set: string, facts: Facts): Steps<Element | boolean | undefined> {
    const fields = partsOf(key).map((part) => fieldOf(part, facts, this.#isOwn));
    if (!areAll(fields)) return undefined;
    const name = set.slice(1);
    const setOrMap = this.#setsAndMaps.get(name);
    if (setOrMap !== undefined) return (yield* this.#find(setOrMap, fields)) ?? false;
    this.#written ??= yield* this.#writtenSets();
    const limits = this.#written.get(name);
    if (limits === undefined) throw notUnderstood(set);
    // A limit has just added the client.
    return limits || this.#pinned(name);
  }

  /**
   * The possible results of a lookup in a map; undefined if the packet has no such fields. Throws E_INTERNAL for an unknown
   * map.
   */
  *draw({ key, data }: Lookup, facts: Facts): Steps<Draw | undefined> {
    const parts = partsOf(key);
    const drawn = parts.findIndex((part) => isDrawn(part, facts));
    const fields = parts.map((part, i) => (i === drawn ? RANDOM : fieldOf(part, facts, this.#isOwn)));
    if (!areAll(fields)) return undefined;
    const setOrMap = this.#setOrMap(data.slice(1));
    if (drawn < 0) {
      const element = yield* this.#find(setOrMap, fields);
      return { key: concat(...fields), hits: element ? [{ element, share: 1 }] : [], missed: element ? 0 : 1 };
    }
    const slots = modulusOf(parts[drawn]);
    const name = `${data} ${concat(...fields)} ${slots}`;
    const draw = this.#draws.get(name) ?? (yield* this.#enumerate(setOrMap, fields, slots));
    this.#draws.set(name, draw);
    return draw;
  }

  *#enumerate(setOrMap: SetOrMap, fields: readonly string[], slots: number): Steps<Draw> {
    const [before = '', after = ''] = concat(...fields).split(RANDOM);
    if (setOrMap.interval || setOrMap.key.length !== fields.length) throw notUnderstood(`draw from @${setOrMap.name}`);
    this.#way.draws(setOrMap.name, before, slots, after);
    const counts = new Map<string, { readonly element: Element; count: number }>();
    let missed = slots;
    for (let slot = 0; slot < slots; slot++) {
      if (slot % STEP === STEP - 1) yield;
      const element = this.#ruleset.lookUp(setOrMap.name, `${before}${slot}${after}`);
      if (element === undefined) continue;
      missed--;
      const known = counts.get(element.value);
      if (known === undefined) counts.set(element.value, { element, count: 1 });
      else known.count++;
    }
    const hits = [...counts.values()].map(({ element, count }) => ({ element, share: count / slots }));
    return { key: concat(...fields), hits, missed: missed / slots };
  }

  *#find(setOrMap: SetOrMap, fields: readonly string[]): Steps<Element | undefined> {
    const { name, key } = setOrMap;
    if (key.length !== fields.length) throw notUnderstood(`${concat(...fields)} @${name}`);
    if (!setOrMap.interval) {
      const wanted = concat(...fields);
      this.#way.looksUp(name, wanted);
      return this.#ruleset.lookUp(name, wanted);
    }
    if (key.slice(0, -1).some(({ type }) => type === 'cidr')) throw notUnderstood(`set ${name}`);
    const last = fields.at(-1) ?? '';
    const before = fields.length === 1 ? '' : concat(...fields.slice(0, -1), '');
    this.#way.looksUpAll(name, before);
    let looked = 0;
    for (const element of this.#ruleset.elementsOf(setOrMap)) {
      if (++looked % STEP === 0) yield;
      if (element.key.startsWith(before) && this.#isIn(last, element.key.slice(before.length))) return element;
    }
    return undefined;
  }

  #isIn(address: string, network: string): boolean {
    if (!this.#networks.has(network)) this.#networks.set(network, parseCidr(network));
    const cidr = this.#networks.get(network);
    if (cidr === undefined) throw notUnderstood(network);
    return isInCidr(address, cidr);
  }

  *#writtenSets(): Steps<ReadonlyMap<string, boolean>> {
    const written = new Map<string, boolean>();
    let looked = 0;
    for (const { rules } of this.#ruleset.chains) {
      for (const statement of rules.flat()) {
        if ('set' in statement) written.set(statement.set.set.slice(1), statement.set.stmt !== undefined);
      }
      if (++looked % STEP === 0) yield;
    }
    return written;
  }

  #setOrMap(name: string): SetOrMap {
    const setOrMap = this.#setsAndMaps.get(name);
    if (setOrMap === undefined) throw notUnderstood(`@${name}`);
    return setOrMap;
  }
}

/** Elements, or chains, that are looked at in one step. */
const STEP = 1000;

/** Stands for a number that is drawn. */
const RANDOM = 'random';

function partsOf(key: Expression): readonly Expression[] {
  return 'concat' in key ? key.concat : [key];
}

function areAll(fields: readonly (string | undefined)[]): fields is readonly string[] {
  return !fields.includes(undefined);
}

/** Whether a part of a key may be any number: it is random, or a hash of something unknown, such as the source port. */
function isDrawn(expression: Expression, { isExample }: Facts): boolean {
  if ('numgen' in expression) return true;
  if (!('jhash' in expression)) return false;
  const { expr } = expression.jhash;
  return isExample || ('payload' in expr && 'base' in expr.payload);
}

function modulusOf(expression: Expression | undefined): number {
  if (expression !== undefined && 'numgen' in expression && expression.numgen.offset === 0)
    return expression.numgen.mod;
  if (expression !== undefined && 'jhash' in expression && expression.jhash.offset === 0) return expression.jhash.mod;
  throw notUnderstood(expression);
}
