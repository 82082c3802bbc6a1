import type { Frontend } from '../../service/frontend.ts';
import { eachInSteps, endsStep, mapInSteps, type Steps } from '../../service/steps.ts';
import type { Chain } from '../elements/chain.ts';
import type { Element } from '../elements/element.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { type HeartbeatPorts, heartbeatElements, isHeartbeat } from '../program/heartbeat.ts';
import { CHAIN_OBJECTS, knownElement, OBJECTS } from '../program/objects.ts';
import type { Program } from '../program/program.ts';
import { type Before, Changes, type Learnt } from './changes.ts';
import { CountingBudget } from './counting-budget.ts';
import { Entries } from './entries.ts';
import { type Entry, GONE, isUnreferenced, unreferencedOf } from './entry.ts';
import { type FrontendPlan, NOTHING_PLANNED, planFrontend } from './frontend-elements.ts';
import { FrontendWork } from './frontend-work.ts';
import { Graveyard } from './graveyard.ts';
import type { LeavingSlot } from './slots.ts';
import type { Transaction } from './transaction.ts';
import { deleteWeightOf } from './weight.ts';

/** Sets whose elements come from the node's configuration, not from Services. */
export type NetworkSet = 'pod-cidrs' | 'all-sources' | 'node-port-networks' | 'node-port-clients' | 'service-cidrs';

/** The elements of a set or map in the kernel. */
export interface KernelView {
  find(key: string): Before;
  /** True if the model has changed it since the last transaction. */
  isChanging(key: string): boolean;
  /** True if the model has changed nothing of the set or map since then. */
  readonly isAtRest: boolean;
  /** All keys that find may know. */
  keys(): Iterable<string>;
}

/**
 * The full model of a family's elements: what the kernel holds once the last transaction taken is acknowledged.
 * A change of a frontend costs as much as it has endpoints, whatever the cluster's size. Frontends do not depend on each
 * other: each can have a transaction of its own. An element that nobody wants any more is deleted as many transactions later
 * as its hop says (see hops.ts).
 */
export class Ruleset {
  readonly program: Program;
  readonly counting: CountingBudget;
  readonly #setsAndMaps: ReadonlyMap<string, SetOrMap>;
  readonly #entries: Entries;
  readonly #changes = new Changes();
  readonly #graveyard = new Graveyard();
  /** Frontend key → a frontend that takes several transactions, some of which are done. */
  readonly #begun = new Map<string, FrontendWork>();
  #takenWeight = 0;
  /** Frontends whose changes are not sent with others → the intervals that are sent with them. */
  readonly #suspects = new Map<string, Set<Entry>>();
  #undo = () => {};

  constructor(program: Program, counting = new CountingBudget()) {
    this.program = program;
    this.counting = counting;
    this.#setsAndMaps = new Map(program.setsAndMaps.map((setOrMap) => [setOrMap.name, setOrMap]));
    this.#entries = new Entries([...program.setsAndMaps, ...OBJECTS]);
  }

  /** Takes over elements found in the kernel. dropUnreferenced deletes those that no Service has claimed by then. */
  adopt(elements: Iterable<Element>): void {
    for (const element of elements) this.#entries.add(knownElement(this.program, element));
  }

  /**
   * Sets the desired state of a frontend; undefined: nothing. `key`: its frontendKey. If the frontend has more than about
   * `room` weight (see weight.ts), a part goes into the transaction being prepared, and the result is false: the next call
   * continues, and what leads to the rest comes last. Between the steps nothing may change the model.
   */
  *setFrontend(key: string, frontend: Frontend | undefined, room = Number.POSITIVE_INFINITY): Steps<boolean> {
    const begun = this.#begun.get(key);
    let work = begun;
    if (work === undefined || work.frontend !== frontend) {
      const plan = frontend === undefined ? NOTHING_PLANNED : yield* this.planFor(frontend);
      const hasIntervals = frontend !== undefined && frontend.sourceRanges.length > 0;
      const beside = hasIntervals ? yield* this.#entries.intervalsBeside(plan.elements) : [];
      work = new FrontendWork(frontend, plan, beside, begun);
    }
    const limit = this.weight + room;
    for (let done = 1; work.done < work.steps; done++) {
      if (this.weight >= limit) {
        work.stage();
        this.#begun.set(key, work);
        return false;
      }
      this.#doStep(work, this.#suspects.get(key));
      if (endsStep(done)) yield;
    }
    this.#begun.delete(key);
    yield* this.#finish(key, work);
    return true;
  }

  /** Sets the content of a set of networks, as "address/prefix". They must not overlap. */
  setNetworks(name: NetworkSet, cidrs: readonly string[]): void {
    const setOrMap = this.#setsAndMaps.get(name);
    if (setOrMap === undefined) return;
    const owner = `networks ${name}`;
    this.#entries.release(owner);
    this.#claim(
      owner,
      cidrs.map((key) => ({ setOrMap, key, value: '', comment: '' })),
    );
    // At once, including those found in the kernel: an unwanted network may overlap a wanted one.
    for (const element of unreferencedOf(this.#entries.of(setOrMap).values())) this.#delete(element);
  }

  /** Sets where heartbeats are led (see heartbeat.ts). Once, after elements found in the kernel were adopted. */
  setHeartbeat(ports: HeartbeatPorts): void {
    this.#claim('heartbeat', heartbeatElements(this.program, ports));
  }

  /** Removes what was adopted and is claimed by nobody. In steps, like setFrontend. */
  *dropUnreferenced(): Steps<void> {
    // There may be so many that they take several transactions. Those that packets meet first go before all others.
    yield* eachInSteps(this.#entries.all(), (element) => {
      if (isUnreferenced(element) && !element.setOrMap.stays) this.#graveyard.bury(element, this.#hopOf(element));
    });
  }

  /** The maximum cost of the last transaction taken for nft. */
  get takenWeight(): number {
    return this.#takenWeight;
  }

  /** The maximum cost of the transaction being prepared for nft (see weight.ts). */
  get weight(): number {
    return this.#changes.weight;
  }

  /**
   * The changes since the last call as one transaction, of at most about `room` weight, with everything that is due to be
   * deleted. A transaction that would be empty while something waits is skipped, because nobody would notice it.
   */
  takeTransaction(room = Number.POSITIVE_INFINITY): Transaction {
    // A suspect keeps its old elements until its changes are in force, so nothing of it is deleted in the meantime.
    const waiting = this.#suspects.size === 0 ? undefined : this.#onlyOf(this.#suspects.keys());
    if (waiting !== undefined) return this.#take((element) => !waiting.has(element));
    do for (const element of this.#graveyard.take(room, this.#deleteWeight)) this.#delete(element);
    while (this.#changes.isEmpty && !this.#graveyard.isEmpty);
    return this.#take();
  }

  /** From now on, the changes of a frontend are not sent with others, but with takeSuspects. */
  suspect(key: string): void {
    if (!this.#suspects.has(key)) this.#suspects.set(key, new Set());
  }

  /** Ends that. */
  acquit(key: string): void {
    this.#suspects.delete(key);
  }

  /** The changes of some suspects, as one transaction. */
  takeSuspects(keys: Iterable<string>): Transaction {
    const chosen = new Set([...keys].flatMap((key) => [...this.#elementsOf(key)]));
    return this.#take((element) => chosen.has(element));
  }

  /** Takes back the last transaction taken, because the kernel did not accept it. Its changes go with a later one. */
  get lastUndo(): () => void {
    return this.#undo;
  }

  /** Withdraws a frontend that the kernel does not accept. The elements that the kernel has of it are removed as usual. */
  withdraw(key: string): void {
    const work = this.#begun.get(key);
    this.#begun.delete(key);
    this.acquit(key);
    const released = new Set([...this.#entries.release(key), ...(work?.held ?? []), ...(work?.unstage() ?? [])]);
    for (const element of unreferencedOf(released).toReversed()) {
      const inKernel = this.#changes.inKernel(element);
      if (inKernel === undefined) {
        this.#delete(element);
        continue;
      }
      element.value = inKernel.value;
      element.comment = inKernel.comment;
      this.#remove(element);
    }
  }

  /** A set or map in the kernel if all transactions taken are in force. Valid until the model changes or is taken. */
  inKernel(setOrMap: SetOrMap): KernelView {
    const touched = this.#changes.of(setOrMap);
    const held = this.#entries.of(setOrMap);
    const find = (key: string): Before => {
      if (touched.has(key)) return touched.get(key);
      const element = held.get(key);
      return element?.refused === true ? undefined : element;
    };
    const keys = () => new Set([...held.keys(), ...touched.keys()]);
    return { find, isChanging: (key) => touched.has(key), isAtRest: touched.size === 0, keys };
  }

  /**
   * A transaction that corrects what was found in the kernel and differs from the model. Each item has what was found;
   * undefined: it does not exist. Elements that the model is about to change itself are left out.
   */
  takeCorrections(found: readonly (Pick<Element, 'setOrMap' | 'key'> & { readonly found: Before })[]): Transaction {
    const corrected = new Set<Entry>();
    const setsAndMaps = new Set(found.map(({ setOrMap }) => setOrMap));
    const changing = new Map([...setsAndMaps].map((setOrMap) => [setOrMap, this.#changes.of(setOrMap)]));
    for (const { setOrMap, key, found: before } of found) {
      if (changing.get(setOrMap)?.has(key)) continue;
      const known = this.#entries.find(setOrMap, key);
      if (known === undefined && before === undefined) continue;
      const element = known ?? this.#entries.add({ setOrMap, key, value: '', comment: '', ...before });
      this.#changes.corrects(element, before);
      corrected.add(element);
      if (known !== undefined) continue;
      this.#entries.remove(element);
      element.goesWith = GONE;
    }
    return this.#take((element) => corrected.has(element));
  }

  /** What the kernel holds of a set or map replaces what the model is changing of it. Returns what was unexpected. */
  learn(setOrMap: SetOrMap, found: ReadonlyMap<string, Element>): readonly Learnt[] {
    return this.#changes.learn(setOrMap, found);
  }

  /** Notes that the kernel refused an element of the last transaction. It is tried again when it changes. */
  refuse({ setOrMap, key }: Pick<Element, 'setOrMap' | 'key'>): void {
    const held = this.#entries.find(setOrMap, key);
    if (held !== undefined) held.refused = true;
  }

  /** True while elements wait for a later transaction: to be deleted, or because a frontend was withdrawn. */
  get hasWaiting(): boolean {
    return this.#suspects.size === 0 && !(this.#graveyard.isEmpty && this.#changes.isEmpty);
  }

  /** The chains outside the fixed program, including those being deleted, without found ones of unknown rules. */
  *dynamicChains(): Iterable<Chain> {
    for (const setOrMap of CHAIN_OBJECTS) {
      for (const { chain } of this.elementsOf(setOrMap)) if (chain !== undefined) yield chain;
    }
  }

  /** An element; undefined if there is none. */
  lookUp(setOrMap: string, key: string): Element | undefined {
    const known = this.#setsAndMaps.get(setOrMap);
    return known && this.#entries.find(known, key);
  }

  /** The elements of a set or map, in no particular order. */
  elementsOf(setOrMap: SetOrMap): Iterable<Readonly<Entry>> {
    return this.#entries.of(setOrMap).values();
  }

  /** The same without those that serve heartbeats, for people. */
  *servingElementsOf(setOrMap: SetOrMap): Iterable<Element> {
    for (const element of this.elementsOf(setOrMap)) if (!isHeartbeat(element)) yield element;
  }

  /** The number of elements of a set or map. */
  countOf(setOrMap: SetOrMap): number {
    return this.#entries.of(setOrMap).size;
  }

  /** The number of elements in all sets and maps, without those that serve heartbeats. */
  get size(): number {
    return this.#entries.size - this.#entries.ownedBy('heartbeat').filter(isHeartbeat).length;
  }

  readonly #find = (setOrMap: SetOrMap, key: string) => this.#entries.find(setOrMap, key)?.value;

  readonly #inKernel = (setOrMap: SetOrMap, key: string) => {
    const element = this.#entries.find(setOrMap, key);
    return element && this.#changes.inKernel(element)?.value;
  };

  #take(isChosen?: (element: Entry) => boolean): Transaction {
    this.#takenWeight = this.weight;
    const { deletes, adds, undo } = this.#changes.take(isChosen);
    this.#undo = undo;
    return { deletes, adds };
  }

  #elementsOf(key: string): Iterable<Entry> {
    const work = this.#begun.get(key);
    return new Set([...this.#ownOf(key), ...(work?.held ?? []), ...(work?.staged ?? [])]);
  }

  #ownOf(key: string): readonly Entry[] {
    return [...this.#entries.ownedBy(key), ...(this.#suspects.get(key) ?? [])];
  }

  /** The elements that only these frontends want. */
  #onlyOf(keys: Iterable<string>): ReadonlySet<Entry> {
    const references = new Map<Entry, number>();
    for (const key of keys) {
      const work = this.#begun.get(key);
      for (const element of [...this.#ownOf(key), ...(work?.staged ?? [])]) {
        references.set(element, (references.get(element) ?? 0) + 1);
      }
    }
    return new Set(
      [...references].filter(([element, count]) => element.references <= count).map(([element]) => element),
    );
  }

  readonly #deleteWeight = (element: Element) => deleteWeightOf(element, this.countOf(element.setOrMap));

  #claim(owner: string, wanted: readonly Element[]): void {
    const held = wanted.map((element) => this.#want(element));
    this.#entries.claim(owner, held);
  }

  /** What a frontend needs, into a new list or the one that is given; nothing changes by that. */
  planFor(frontend: Frontend, elements?: Element[]): Steps<FrontendPlan> {
    const [program, setsAndMaps, find, inKernel] = [this.program, this.#setsAndMaps, this.#find, this.#inKernel];
    const isCounted = this.counting.allows(this);
    return planFrontend(frontend, { program, setsAndMaps, find, inKernel, isCounted }, elements);
  }

  /** In this order no part leads to a gap: deletions come first, and the verdict that leads to all others last. */
  #doStep(work: FrontendWork, cut: Set<Entry> | undefined): void {
    const step = work.next();
    // nft refuses intervals that overlap. No packet is let through in between: the frontend has other intervals, or drops.
    if ('interval' in step) {
      // If it waited to be deleted, it may be gone since this work was planned.
      if (step.interval.goesWith !== GONE) this.#delete(step.interval);
      cut?.add(step.interval);
    } else if ('leaving' in step) {
      this.#leave(step.leaving);
    } else {
      work.held.push(this.#want(step.wanted));
    }
  }

  *#finish(key: string, work: FrontendWork): Steps<void> {
    const released = [...this.#entries.release(key), ...work.unstage()];
    const { kept, passing } = work.result;
    this.#entries.claim(key, kept);
    const standIns = yield* mapInSteps(work.leaving, (slot) => this.#entries.find(slot.setOrMap, slot.key));
    const leaving = unreferencedOf([...released, ...standIns, ...passing]);
    // Chains are deleted before what their rules lead to. Everything else goes in the order in which it came, in which the
    // kernel finds intervals first (100 times as fast as in the reverse order, with 20,000 of them).
    for (const element of leaving.filter(isObject).toReversed()) this.#remove(element);
    yield* eachInSteps(leaving, (element) => {
      if (!isObject(element)) this.#remove(element);
    });
  }

  #want(wanted: Element): Entry {
    let element = this.#entries.find(wanted.setOrMap, wanted.key);
    if (element === undefined) {
      element = this.#entries.add(wanted);
      this.#changes.appears(element);
    } else if (element.value !== wanted.value || element.comment !== wanted.comment) {
      // Elements that several Services share have neither. For all others, the last claim is the winner's.
      this.#changes.changes(element);
      element.value = wanted.value;
    }
    // Uses the string that other elements share. Each element found in the kernel has its own copy.
    element.comment = wanted.comment;
    if (wanted.chain !== undefined) element.chain = wanted.chain;
    this.#graveyard.digUp(element);
    return element;
  }

  #remove(element: Entry): void {
    if (element.setOrMap.stays) return;
    const hop = this.#hopOf(element);
    if (hop === 0) this.#delete(element);
    else this.#graveyard.bury(element, hop);
  }

  #hopOf({ setOrMap }: Entry): number {
    return this.program.hops.get(setOrMap.name) ?? 0;
  }

  /** A slot that must not be empty yet gets another endpoint, and is deleted once the frontend is done. */
  #leave({ setOrMap, key, standIn }: LeavingSlot): void {
    const element = this.#entries.find(setOrMap, key);
    if (element === undefined) return;
    if (standIn === undefined) {
      this.#delete(element);
    } else {
      this.#changes.changes(element);
      element.value = standIn;
    }
  }

  #delete(element: Entry): void {
    this.#graveyard.digUp(element);
    this.#changes.changes(element, this.#deleteWeight(element));
    this.#entries.remove(element);
    element.goesWith = GONE;
  }
}

function isObject({ setOrMap }: Element): boolean {
  return OBJECTS.includes(setOrMap);
}
