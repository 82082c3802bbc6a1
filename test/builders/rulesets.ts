import assert from 'node:assert/strict';
import type { Element } from '../../src/ruleset/elements/element.ts';
import { Ruleset } from '../../src/ruleset/model/ruleset.ts';
import type { Program, ProgramOptions } from '../../src/ruleset/program/program.ts';
import { type Frontend, frontendKey } from '../../src/service/frontend.ts';
import { atOnce } from '../../src/service/steps.ts';
import { canonical } from './canonical-elements.ts';
import { programOf } from './models.ts';
import { describeTransaction, heldBy, StrictKernel } from './strict-kernel.ts';

/** Service "namespace/name" → its frontends. */
export type Services = Readonly<Record<string, readonly Frontend[]>>;

/** The Service of a frontend unless it says otherwise. */
export const WEB = 'default/web';

/** What each Service of a ruleset was given. */
const given = new WeakMap<Ruleset, Map<string, readonly string[]>>();

/** Sets the frontends of some Services, each as it should be at once; none removes the Service. */
export function setServices(ruleset: Ruleset, services: Services): void {
  const known = given.get(ruleset) ?? new Map<string, readonly string[]>();
  given.set(ruleset, known);
  const changes = new Map<string, Frontend | undefined>();
  const all = Object.entries(services);
  for (const [name] of all) for (const key of known.get(name) ?? []) changes.set(key, undefined);
  for (const [name, frontends] of all) {
    for (const frontend of frontends) changes.set(frontendKey(frontend), frontend);
    known.set(name, frontends.map(frontendKey));
  }
  for (const [key, frontend] of changes) atOnce(ruleset.setFrontend(key, frontend));
}

/** A ruleset that serves default/web with these frontends, of one family; its first transaction waits to be taken. */
export function rulesetFor(frontends: readonly Frontend[], program: ProgramOptions = {}): Ruleset {
  const ruleset = new Ruleset(programOf(frontends[0]?.family ?? 'ip', program));
  setServices(ruleset, { [WEB]: frontends });
  return ruleset;
}

/** A ruleset and the table that it writes, to which each transaction has to apply. */
export class WrittenTable {
  readonly ruleset: Ruleset;
  readonly kernel: StrictKernel;

  /** `found`: what the table has when the ruleset begins. */
  constructor(program: Program, found: readonly Element[] = []) {
    this.ruleset = new Ruleset(program);
    this.ruleset.adopt(found);
    this.kernel = new StrictKernel(found);
  }

  /** Takes the next transaction, or has another one apply; as lines (see describeTransaction). */
  take(transaction = this.ruleset.takeTransaction()): readonly string[] {
    this.kernel.apply(transaction);
    return describeTransaction(transaction);
  }

  /** Has nft refuse elements, so that the table does not have them. */
  refuse(...elements: readonly Pick<Element, 'setOrMap' | 'key'>[]): void {
    for (const element of elements) {
      this.ruleset.refuse(element);
      this.kernel.elements.delete(`${element.setOrMap.name} ${element.key}`);
    }
  }

  /** Sets Services and takes the next transaction. */
  change(services: Services): readonly string[] {
    setServices(this.ruleset, services);
    return this.take();
  }

  /** Takes all transactions that are left. */
  settle(): readonly string[] {
    const lines: string[] = [];
    while (this.ruleset.hasWaiting) lines.push(...this.take());
    return lines;
  }

  /**
   * Sets Services, which are all there are, and takes the next transaction: how many elements it deletes and adds. Fails
   * unless the table comes to be what a fresh start would write.
   */
  elementsFor(services: Services): number {
    const { length } = this.change(services);
    this.settle();
    assert.deepEqual(this.kernel.elements, heldBy(this.ruleset));
    const fresh = new WrittenTable(this.ruleset.program);
    fresh.change(services);
    assert.deepEqual(canonical(this.kernel.elements), canonical(fresh.kernel.elements));
    return length;
  }
}
