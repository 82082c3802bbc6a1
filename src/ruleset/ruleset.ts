import type { Frontend } from '../service/frontend.ts';
import type { Chain } from './chain.ts';
import { Changes } from './changes.ts';
import type { Container } from './container.ts';
import type { Element } from './element.ts';
import { Entries } from './entries.ts';
import { planFrontend } from './frontend-elements.ts';
import { Graveyard } from './graveyard.ts';
import { GONE, type HeldElement, REMAINS } from './held-element.ts';
import { CHAIN_OBJECTS, OBJECTS } from './objects.ts';
import type { Program } from './program.ts';
import type { LeavingSlot } from './slots.ts';
import type { Transaction } from './transaction.ts';

/** Sets whose elements come from the node's configuration, not from Services. */
export type NetworkSet = 'pod-cidrs' | 'all-sources' | 'node-port-networks' | 'service-cidrs';

/**
 * The full model of a family's elements: what the kernel holds once the last transaction taken is acknowledged.
 * A change of one Service costs as much as that Service has frontends and endpoints, whatever the cluster's size.
 *
 * An element that nobody wants any more is deleted as many transactions later as its hop says (see hops.ts).
 */
export class Ruleset {
  readonly program: Program;
  readonly #containers: ReadonlyMap<string, Container>;
  readonly #entries: Entries;
  readonly #changes = new Changes();
  readonly #graveyard = new Graveyard();
  /** Number of the transaction that is being put together. */
  #transaction = 1;

  constructor(program: Program) {
    this.program = program;
    this.#containers = new Map(program.containers.map((container) => [container.name, container]));
    this.#entries = new Entries([...program.containers, ...OBJECTS]);
  }

  /** Takes over elements found in the kernel. Those that no Service claims afterwards go with dropUnclaimed. */
  adopt(elements: Iterable<Element>): void {
    for (const element of elements) this.#entries.add(element);
  }

  /**
   * Sets the frontends in force of some Services (key → frontends; none removes the Service). A frontend that passes
   * from one Service to another must find both in the same call.
   */
  setServices(changes: ReadonlyMap<string, readonly Frontend[]>): void {
    const released = [...changes.keys()].flatMap((owner) => this.#entries.release(owner));
    const { program } = this;
    const model = { program, containers: this.#containers, find: this.#find, inKernel: this.#inKernel };
    for (const [owner, frontends] of changes) {
      const plans = frontends.map((frontend) => planFrontend(frontend, model));
      this.#claim(
        owner,
        plans.flatMap(({ elements }) => elements),
      );
      for (const slot of plans.flatMap(({ leaving }) => leaving)) this.#removeSlot(slot);
    }
    for (const element of unwanted(released)) this.#remove(element);
  }

  /** Sets what a set of networks holds, as "address/prefix"; they must not overlap. */
  setNetworks(name: NetworkSet, cidrs: readonly string[]): void {
    const container = this.#containers.get(name);
    if (container === undefined) return;
    const owner = `networks ${name}`;
    this.#entries.release(owner);
    this.#claim(
      owner,
      cidrs.map((key) => ({ container, key, value: '', comment: '' })),
    );
    // At once, those found in the kernel too: what is not wanted may overlap what is.
    for (const element of unwanted(this.#entries.of(container).values())) this.#delete(element);
  }

  /** Removes what was adopted and nobody has claimed. */
  dropUnclaimed(): void {
    for (const element of unwanted(this.#entries.all())) this.#remove(element);
  }

  /**
   * The changes since the last call, as one transaction, with all whose time to go has come; empty if there is nothing.
   * A transaction that would be empty while something waits is passed over: nobody would notice it.
   */
  takeTransaction(): Transaction {
    do {
      for (const element of this.#graveyard.take(this.#transaction)) this.#delete(element);
      this.#transaction++;
    } while (this.#changes.isEmpty && !this.#graveyard.isEmpty);
    return this.#changes.take();
  }

  /** Notes that the kernel did not take an element of the last transaction. It is tried again when it changes. */
  refuse({ container, key }: Pick<Element, 'container' | 'key'>): void {
    const held = this.#entries.find(container, key);
    if (held !== undefined) held.refused = true;
  }

  /** True while elements wait for a later transaction to be deleted. */
  get hasWaiting(): boolean {
    return !this.#graveyard.isEmpty;
  }

  /** The chains outside the fixed program, those on their way out included. Unknown rules of a chain just found are left out. */
  *dynamicChains(): Iterable<Chain> {
    for (const container of CHAIN_OBJECTS) {
      for (const { chain } of this.elementsOf(container)) if (chain !== undefined) yield chain;
    }
  }

  /** One element, or undefined. */
  lookUp(container: string, key: string): Element | undefined {
    const known = this.#containers.get(container);
    return known && this.#entries.find(known, key);
  }

  /** The elements of a container, in no particular order. */
  elementsOf(container: Container): Iterable<Element> {
    return this.#entries.of(container).values();
  }

  /** The number of elements of a container. */
  countOf(container: Container): number {
    return this.#entries.of(container).size;
  }

  /** The number of elements in all containers. */
  get size(): number {
    return this.#entries.size;
  }

  readonly #find = (container: Container, key: string) => this.#entries.find(container, key)?.value;

  readonly #inKernel = (container: Container, key: string) => {
    const element = this.#entries.find(container, key);
    return element && this.#changes.valueInKernel(element);
  };

  #claim(owner: string, wanted: readonly Element[]): void {
    const elements = wanted.map((element) => this.#want(element));
    this.#entries.claim(owner, elements);
    // nft refuses intervals that overlap. No packet is let through: its frontend has others in the same transaction.
    for (const element of this.#entries.unwantedBeside(elements)) this.#delete(element);
  }

  #want(wanted: Element): HeldElement {
    let element = this.#entries.find(wanted.container, wanted.key);
    if (element === undefined) {
      element = this.#entries.add(wanted);
      this.#changes.appears(element);
    } else if (element.value !== wanted.value || element.comment !== wanted.comment) {
      // Elements that several Services share have neither; of all others the last claim is the winner's.
      this.#changes.changes(element);
      element.value = wanted.value;
    }
    // Of equal strings the one that other elements have, too: those found in the kernel have each its own.
    element.comment = wanted.comment;
    if (wanted.chain !== undefined) element.chain = wanted.chain;
    this.#graveyard.digUp(element);
    return element;
  }

  #remove(element: HeldElement): void {
    if (element.container.stays) return;
    const hop = this.program.hops.get(element.container.name) ?? 0;
    if (hop === 0) this.#delete(element);
    else this.#graveyard.bury(element, this.#transaction + hop);
  }

  #removeSlot({ container, key, standIn }: LeavingSlot): void {
    const element = this.#entries.find(container, key);
    if (element === undefined) return;
    if (standIn === undefined) {
      this.#delete(element);
    } else {
      this.#changes.changes(element);
      element.value = standIn;
      this.#remove(element);
    }
  }

  #delete(element: HeldElement): void {
    this.#graveyard.digUp(element);
    this.#changes.changes(element);
    this.#entries.remove(element);
    element.goesWith = GONE;
  }
}

/** Those that nobody wants and that nothing has been done about. */
function unwanted(elements: Iterable<HeldElement>): readonly HeldElement[] {
  return [...elements].filter(({ claims, goesWith }) => claims === 0 && goesWith === REMAINS);
}
