import type { Frontend } from '../service/frontend.ts';
import { AFFINITY_ENDPOINTS, AFFINITY_OBJECTS, AFFINITY_PICKS } from './affinity.ts';
import type { Container } from './container.ts';
import type { Element } from './element.ts';
import {
  type Containers,
  frontendElementKey,
  frontendElements,
  type Pool,
  poolsOf,
  slotKey,
} from './frontend-elements.ts';
import { capacityOf, lastDraw } from './pick-chain.ts';
import type { Chain, Program } from './program.ts';
import type { Transaction } from './transaction.ts';

/** An element of the model, and who wants it. */
interface Held extends Element {
  value: string;
  comment: string;
  chain?: Chain;
  /** How many Services (and settings) want it. 0: found in the kernel and not claimed yet, or on its way out. */
  claims: number;
  /** Number of the transaction after which it may be deleted, while nobody wants it; NOT_RETIRED, or DELETED. */
  retiredIn: number;
  /** True if nft refused it: the model wants it, the kernel does not have it. */
  refused?: true;
}

const NOT_RETIRED = -1;
/** Out of the model for good: an element that comes again is another object. */
const DELETED = -2;

interface OwnedChange {
  readonly owner: string;
  readonly elements: () => readonly Element[];
}

/** Sets whose elements come from the node's configuration, not from Services. */
export type NetworkSet = 'pod-cidrs' | 'node-port-networks' | 'service-cidrs';

/** What an element was before it was touched; undefined if it was not there. */
type Before = Pick<Element, 'value' | 'comment'> | undefined;

/**
 * The full model of a family's elements: what the kernel holds once the last transaction taken is acknowledged.
 * A change of one Service costs as much as that Service has frontends and endpoints, whatever the cluster's size.
 *
 * An element of a dispatch map goes at once. What it led to goes one transaction later: a packet that read the
 * dispatch map before the commit may still look it up (design rule "a packet is not a transaction").
 */
export class Ruleset {
  readonly program: Program;
  readonly #containers: Containers;
  readonly #held: ReadonlyMap<Container, Map<string, Held>>;
  readonly #owned = new Map<string, readonly Held[]>();
  /** What each element touched since the last transaction was before: undefined if it was not there. */
  #touched = new Map<Held, Before>();
  #retired: Held[] = [];
  /** Intervals by what comes before them in their keys: frontend → its source ranges. */
  readonly #intervals = new Map<string, Set<Held>>();
  #sequence = 0;
  #behindTwins = false;

  constructor(program: Program) {
    this.program = program;
    this.#containers = new Map(program.containers.map((container) => [container.name, container]));
    this.#held = new Map(
      [...program.containers, ...AFFINITY_OBJECTS].map((container) => [container, new Map<string, Held>()]),
    );
  }

  /** Takes over elements found in the kernel. Those that no Service claims afterwards go with dropUnclaimed. */
  adopt(elements: Iterable<Element>): void {
    for (const element of elements) {
      this.#hold(unclaimed(element));
    }
  }

  /**
   * Sets the frontends in force of some Services (key → frontends; none removes the Service). A frontend that passes
   * from one Service to another must find both in the same call.
   */
  setServices(changes: ReadonlyMap<string, readonly Frontend[]>): void {
    // Only asked for when something leaves, which in a fill nothing does.
    let served: ReadonlyMap<string, Pool> | undefined;
    const current = (container: Container, key: string) => this.#held.get(container)?.get(key)?.value;
    this.#setOwned(
      [...changes].map(([owner, frontends]) => ({
        owner,
        elements: () => frontends.flatMap((frontend) => frontendElements(frontend, this.#containers, current)),
      })),
      (element) => {
        served ??= poolsByPrefix([...changes.values()].flat());
        const pool = served.get(`${element.container.name} ${prefixOf(element.key)}`);
        if (pool === undefined) this.#remove(element);
        else this.#removeTailSlot(element, pool);
      },
    );
  }

  /** Sets what a set of networks holds, as "address/prefix"; they must not overlap. */
  setNetworks(name: NetworkSet, cidrs: readonly string[]): void {
    const container = this.#containers.get(name);
    if (container === undefined) return;
    const elements = () => cidrs.map((key) => ({ container, key, value: '', comment: '' }));
    this.#setOwned([{ owner: `networks ${name}`, elements }], (element) => this.#delete(element));
    // Nobody else has a claim: what was found there may overlap what is wanted.
    for (const element of this.#held.get(container)?.values() ?? []) if (element.claims === 0) this.#delete(element);
  }

  /** Removes what was adopted and nobody has claimed. */
  dropUnclaimed(): void {
    const all = [...this.#held.values()].flatMap((held) => [...held.values()]);
    this.#removeAll(
      all.filter(({ claims, retiredIn }) => claims === 0 && retiredIn < 0),
      (element) => this.#remove(element),
    );
  }

  /**
   * The changes since the last call, as one transaction; empty if there are none. With it go the elements that were
   * retired before the last call.
   */
  takeTransaction(): Transaction {
    this.#sequence++;
    const later: Held[] = [];
    for (const element of this.#retired) {
      if (element.claims > 0 || element.retiredIn < 0) continue;
      if (element.retiredIn < this.#sequence - 1) this.#delete(element);
      else later.push(element);
    }
    this.#retired = later;
    const deletes: Element[] = [];
    const adds: Element[] = [];
    for (const [element, before] of this.#touched) {
      const present = isHeld(element);
      if (before !== undefined && present && before.value === element.value && before.comment === element.comment)
        continue;
      if (before !== undefined) deletes.push(element);
      if (present) adds.push(element);
    }
    this.#touched = new Map();
    return { deletes, adds };
  }

  /** Notes that the kernel did not take an element of the last transaction. It is tried again when it changes. */
  refuse(element: Pick<Element, 'container' | 'key'>): void {
    const held = this.#held.get(element.container)?.get(element.key);
    if (held !== undefined) held.refused = true;
  }

  /** True while elements wait for the transaction after the last one to be deleted. */
  get hasRetired(): boolean {
    return this.#retired.length > 0;
  }

  /** The chains outside the fixed program, those on their way out included. */
  *affinityChains(): Iterable<Chain> {
    for (const container of [AFFINITY_PICKS, AFFINITY_ENDPOINTS]) {
      for (const { chain } of this.elementsOf(container)) if (chain !== undefined) yield chain;
    }
  }

  /** One element, or undefined. */
  lookUp(container: string, key: string): Element | undefined {
    const known = this.#containers.get(container);
    return known && this.#held.get(known)?.get(key);
  }

  /** The elements of a container, in no particular order. */
  elementsOf(container: Container): Iterable<Element> {
    return this.#held.get(container)?.values() ?? [];
  }

  /** The number of elements of a container. */
  countOf(container: Container): number {
    return this.#held.get(container)?.size ?? 0;
  }

  /** The number of elements in all containers. */
  get size(): number {
    return [...this.#held.values()].reduce((sum, held) => sum + held.size, 0);
  }

  #setOwned(changes: readonly OwnedChange[], release: (element: Held) => void): void {
    const previous = changes.flatMap(({ owner }) => this.#owned.get(owner) ?? []);
    for (const element of previous) element.claims--;
    for (const { owner, elements } of changes) {
      const owned = elements().map((element) => this.#claim(element));
      if (owned.length === 0) this.#owned.delete(owner);
      else this.#owned.set(owner, owned);
    }
    for (const { owner } of changes) this.#makeRoom(this.#owned.get(owner) ?? []);
    this.#removeAll(
      previous.filter((element) => element.claims === 0 && isHeld(element)),
      release,
    );
  }

  /**
   * Deletes at once the intervals that these replace: nft refuses those that overlap. No packet is let through: its
   * frontend has others in the same transaction.
   */
  #makeRoom(claimed: readonly Held[]): void {
    if (!claimed.some(isOneOfIntervals)) return;
    for (const prefix of new Set(claimed.filter(isOneOfIntervals).map(({ key }) => prefixOf(key)))) {
      for (const element of this.#intervals.get(prefix) ?? []) if (element.claims === 0) this.#delete(element);
    }
  }

  #hold(element: Held): void {
    this.#held.get(element.container)?.set(element.key, element);
    if (!isOneOfIntervals(element)) return;
    const prefix = prefixOf(element.key);
    this.#intervals.set(prefix, (this.#intervals.get(prefix) ?? new Set()).add(element));
  }

  #removeAll(leaving: readonly Held[], release: (element: Held) => void): void {
    // What a packet reaches only through an element that goes one transaction later itself must wait one more.
    this.#behindTwins = leaving.some(({ container }) => container.depth === 1);
    for (const element of leaving) release(element);
  }

  #claim(wanted: Element): Held {
    const held = this.#held.get(wanted.container);
    let element = held?.get(wanted.key);
    if (element === undefined) {
      element = unclaimed(wanted);
      this.#touch(element, undefined);
      this.#hold(element);
    } else if (element.value !== wanted.value || element.comment !== wanted.comment) {
      // Elements that several Services share have neither; of all others the last claim is the winner's.
      this.#touch(element, { value: element.value, comment: element.comment });
      element.value = wanted.value;
    }
    // Of equal strings the one that other elements have, too: those found in the kernel have each its own.
    element.comment = wanted.comment;
    if (wanted.chain !== undefined) element.chain = wanted.chain;
    element.claims++;
    element.retiredIn = NOT_RETIRED;
    return element;
  }

  /** At once, or as many transactions later as a packet may need to get there. */
  #remove(element: Held): void {
    if (element.container.depth === 0) {
      this.#delete(element);
    } else if (element.retiredIn < 0) {
      const { depth } = element.container;
      element.retiredIn = this.#sequence + Number(depth === 3) + Number(depth >= 2 && this.#behindTwins);
      this.#retired.push(element);
    }
  }

  /**
   * The tail slot of a pool that goes on being served is deleted at once: a draw that misses it draws again. But the
   * last draw of every verdict so far must hit: its slots lead to an endpoint that stays until then.
   */
  #removeTailSlot(element: Held, pool: Pool): void {
    const key = frontendElementKey(pool.frontend);
    const capacities = pool.verdicts.map((name) => capacityOf(this.#valueBefore(name, key)));
    const slot = Number(element.key.slice(element.key.lastIndexOf(' ')));
    if (slot >= lastDraw(Math.max(...capacities))) {
      this.#delete(element);
      return;
    }
    const standIn = this.#held.get(element.container)?.get(slotKey(pool, 0));
    this.#touch(element, { value: element.value, comment: element.comment });
    element.value = standIn?.value ?? element.value;
    this.#remove(element);
  }

  /** An element's value in the kernel before the transaction that is being put together; empty if it was not there. */
  #valueBefore(name: string, key: string): string {
    const container = this.#containers.get(name);
    const held = container && this.#held.get(container)?.get(key);
    // What leads to a pool that is served is not deleted in the same transaction: it is claimed, or retired.
    const before = held && (this.#touched.has(held) ? this.#touched.get(held) : held);
    return before?.value ?? '';
  }

  #delete(element: Held): void {
    this.#touch(element, { value: element.value, comment: element.comment });
    this.#held.get(element.container)?.delete(element.key);
    element.retiredIn = DELETED;
    if (!isOneOfIntervals(element)) return;
    const prefix = prefixOf(element.key);
    const rest = this.#intervals.get(prefix);
    rest?.delete(element);
    if (rest?.size === 0) this.#intervals.delete(prefix);
  }

  #touch(element: Held, before: Before): void {
    if (!this.#touched.has(element)) this.#touched.set(element, element.refused ? undefined : before);
    delete element.refused;
  }
}

/** All of one shape, without room for more: there is one for every endpoint of the cluster. */
function unclaimed({ container, key, value, comment, chain }: Element): Held {
  const held: Held = { container, key, value, comment, claims: 0, retiredIn: NOT_RETIRED };
  if (chain !== undefined) held.chain = chain;
  return held;
}

function isHeld({ retiredIn }: Held): boolean {
  return retiredIn !== DELETED;
}

function poolsByPrefix(frontends: readonly Frontend[]): ReadonlyMap<string, Pool> {
  const withSlots = frontends.filter(({ affinitySeconds }) => affinitySeconds === undefined);
  return new Map(withSlots.flatMap(poolsOf).map((pool) => [`${pool.slots} ${pool.prefix}`, pool]));
}

/** True for an interval among others of its kind: a source range of a frontend. */
function isOneOfIntervals({ container }: Held): boolean {
  return container.interval === true && container.key.length > 1;
}

/** Tells the slots of one pool: "10.96.0.12 . 3306 .". */
function prefixOf(key: string): string {
  return key.slice(0, key.lastIndexOf(' '));
}
