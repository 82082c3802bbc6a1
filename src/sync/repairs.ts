import { DRIFT_KINDS, type ElementDifference, kindOf } from '../audit/drift.ts';
import type { Recording } from './flights.ts';

/** Elements repaired in one transaction. Other changes wait for it for no more than some tens of milliseconds. */
const BATCH = 500;

/** Commands that repair rules, ready for a document. */
export interface RuleRepair {
  readonly commands: readonly string[];
  /** False once our own transactions have changed the same thing. */
  isValid(): boolean;
  done(): void;
}

/** Differences that are to be repaired between changes of the cluster, the most harmful first. */
export class Repairs {
  readonly #rules: RuleRepair[] = [];
  #elements: { readonly difference: ElementDifference; readonly recording: Recording }[] = [];
  readonly #left = new Map<Recording, number>();

  /** True while something waits. */
  get areThere(): boolean {
    return this.#rules.length > 0 || this.#elements.length > 0;
  }

  addRules(repair: RuleRepair): void {
    this.#rules.push(repair);
  }

  /** `recording`: since before the differences were found. It is stopped when the last of them is taken. */
  addElements(differences: readonly ElementDifference[], recording: Recording): void {
    if (differences.length === 0) {
      recording.stop();
      return;
    }
    this.#left.set(recording, differences.length);
    this.#elements.push(...differences.map((difference) => ({ difference, recording })));
    const ranks = new Map(this.#elements.map((one) => [one, DRIFT_KINDS.indexOf(kindOf(one.difference.setOrMap))]));
    this.#elements.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
  }

  /** The next rules to repair; undefined if there are none. */
  takeRules(): RuleRepair | undefined {
    return this.#rules.shift();
  }

  /** The next elements to repair, without those that our own transactions have touched since. */
  takeElements(): readonly ElementDifference[] {
    const taken = this.#elements.slice(0, BATCH);
    this.#elements = this.#elements.slice(BATCH);
    const valid = taken.filter(({ difference: { setOrMap, key }, recording }) => !recording.touches(setOrMap, key));
    for (const { recording } of taken) this.#count(recording);
    return valid.map(({ difference }) => difference);
  }

  /** Forgets everything: there is another table now. */
  clear(): void {
    for (const repair of this.#rules.splice(0)) repair.done();
    for (const { recording } of this.#elements.splice(0)) this.#count(recording);
  }

  #count(recording: Recording): void {
    const left = (this.#left.get(recording) ?? 1) - 1;
    if (left > 0) this.#left.set(recording, left);
    else {
      this.#left.delete(recording);
      recording.stop();
    }
  }
}
