import { type ElementDifference, elementDrift } from '../audit/drift.ts';
import type { TableName } from '../nft/tables.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import { decidingSetsAndMaps } from '../ruleset/program/sets-and-maps.ts';
import type { AuditBudget } from './audit-budget.ts';
import { Bell } from './bell.ts';
import type { Commits } from './commits.ts';
import { ElementsAuditor } from './elements-audit.ts';
import type { Recording } from './flights.ts';
import { LookFailures } from './look-failures.ts';
import type { LooksOptions } from './watch-options.ts';

/**
 * Up to this many elements of a family, its whole table is listed at once. That is cheaper than a process for each set and
 * map.
 */
const SMALL = 2_000;

/** Within this many rounds, each set and map that should be empty is read once. */
const EMPTY_ROUNDS = 4;

/** Milliseconds of CPU time that nft takes to list an element. */
const ELEMENT_COST = 0.03;

/** Milliseconds between looks at all elements, at least. */
const INTERVAL = 10_000;

/** Milliseconds. After a complete look that was caused by a sign of trouble, the next one comes no sooner than this. */
const CALM = 5_000;

/** Milliseconds. A listing that waits for a quiet moment is put off by the first, and for at most the second in total. */
const POSTPONED = 500;
const PATIENCE = 10_000;

/** Milliseconds between checks whether a table is in force again. */
const NO_TABLE = 500;

/** Seconds that nft may take for the shortest listing. */
const TIMEOUT = 3;

export interface ElementsWatchOptions extends LooksOptions {
  /** Both are shared by the families. */
  readonly commits: Commits;
  readonly budget: AuditBudget;
}

/**
 * Compares the elements of a family's table in the kernel with the model: set by set, within a small share of a CPU, and all
 * at once after a sign of trouble.
 */
export class ElementsWatch {
  readonly #options: ElementsWatchOptions;
  readonly #bell: Bell;
  readonly #elements: ElementsAuditor;
  readonly #failures: LookFailures;
  #due: number;
  /** True after a sign of trouble, until all elements have been compared. */
  #isHurried = false;
  /** Since when the next listing has been waiting for a quiet moment. */
  #waitingSince: number | undefined;
  /** No hurry before this time, because signs of trouble may come all the time. */
  #calmUntil = Number.NEGATIVE_INFINITY;
  /** What this round compares, and which part is next. */
  #portions: readonly (SetOrMap | undefined)[] = [];
  #next = 0;
  /** True from a sign of trouble until the next round begins. */
  #isToBeginAnew = false;
  #rounds = 0;
  /** False if a part of this round could not be compared. */
  #isWhole = true;
  /** When the last complete round ended. */
  #audited: number;
  #hurriedCost = 0;

  constructor(options: ElementsWatchOptions) {
    this.#options = options;
    const { clock, nft, model, flights, commits, budget } = options;
    this.#bell = new Bell(clock);
    const onCost = (cost: number) => {
      if (this.#isHurried) this.#hurriedCost += cost;
      else budget.spend(clock.now(), cost);
    };
    this.#elements = new ElementsAuditor({ model, nft, flights, commits, onCost });
    this.#failures = new LookFailures(options, 'elements');
    this.#audited = clock.now();
    this.#due = this.#audited + INTERVAL;
  }

  /** Compares everything at once, except what was compared a moment ago. */
  look(): void {
    const now = this.#options.clock.now();
    if (now < this.#calmUntil || this.#isHurried) return;
    this.#isHurried = true;
    this.#due = now;
    this.#hurriedCost = 0;
    this.#isToBeginAnew = true;
    this.#bell.ring();
  }

  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { clock, table } = this.#options;
    const rest = () => Math.max(table() === undefined ? NO_TABLE : 0, this.#free - clock.now());
    return this.#bell.workAfterEach(signal, rest, async () => {
      const inForce = table();
      if (inForce !== undefined && clock.now() >= this.#free) await this.#lookAtNext(inForce);
    });
  }

  /** When the next look may begin. */
  get #free(): number {
    return this.#isHurried ? this.#due : Math.max(this.#due, this.#options.budget.free);
  }

  /**
   * Plans a round: the whole table, or one set or map after the other. To sets and maps that should be empty, others can
   * only add something. Only a part of these is in each round, because each takes a process.
   */
  #beginRound(): void {
    const { ruleset, program } = this.#options.model;
    this.#isToBeginAnew = false;
    this.#isWhole = true;
    this.#next = 0;
    this.#rounds++;
    const isChosen = (setOrMap: SetOrMap, i: number) =>
      setOrMap.comesLater
        ? ruleset.countOf(setOrMap) > 0
        : this.#isHurried || ruleset.countOf(setOrMap) > 0 || i % EMPTY_ROUNDS === this.#rounds % EMPTY_ROUNDS;
    this.#portions = ruleset.size <= SMALL ? [undefined] : decidingSetsAndMaps(program).filter(isChosen);
  }

  /** True if changes come too often for a listing that takes `expected` milliseconds: each change makes nft start again. */
  #hasNoRest(expected: number): boolean {
    const { clock, commits } = this.#options;
    if (expected <= POSTPONED / 10 || commits.quiet >= Math.max(POSTPONED, expected)) return false;
    this.#waitingSince ??= clock.now();
    return true;
  }

  async #lookAtNext(table: TableName): Promise<void> {
    const { clock, model, flights, budget, observer } = this.#options;
    if (this.#next === 0 || this.#isToBeginAnew) this.#beginRound();
    const portions = this.#portions;
    const setOrMap = portions[this.#next];
    const count = setOrMap === undefined ? model.ruleset.size : model.ruleset.countOf(setOrMap);
    const expected = count * ELEMENT_COST;
    const isHeld = this.#hasNoRest(expected);
    if (isHeld && clock.now() - (this.#waitingSince ?? 0) < PATIENCE) {
      this.#due = clock.now() + POSTPONED;
      return;
    }
    this.#waitingSince = undefined;
    const recording = flights.record();
    let isHandedOver = false;
    try {
      const timeout = TIMEOUT + (5 * expected) / 1000;
      const found = await this.#elements.audit({ table, setOrMap, timeout, isHeld }, recording);
      this.#failures.succeeded();
      if (found.length > 0 && this.#isInForce(table)) isHandedOver = this.#repair(found, recording);
    } catch (error) {
      this.#isWhole = false;
      this.#failures.failed(error);
    } finally {
      if (!isHandedOver) recording.stop();
    }
    const isPart = this.#next + 1 < portions.length || (portions.length > 1 && !this.#isHurried);
    // The listing may be older than a sign of trouble that came in the meantime.
    const isSoon = isPart || this.#isToBeginAnew;
    this.#due = clock.now() + Math.max(this.#failures.pause, isSoon ? 0 : INTERVAL);
    if (this.#isToBeginAnew) return;
    this.#next++;
    if (this.#next < portions.length) return;
    this.#next = 0;
    if (this.#isWhole && this.#isInForce(table)) {
      const now = clock.now();
      observer.audited(this.#isHurried ? undefined : now - this.#audited);
      this.#audited = now;
    }
    if (!this.#isHurried) return;
    this.#isHurried = false;
    this.#calmUntil = clock.now() + Math.max(CALM, 10 * this.#hurriedCost);
    budget.spend(clock.now(), 0);
  }

  /** Returns whether something is to be repaired. */
  #repair(found: readonly ElementDifference[], recording: Recording): boolean {
    const { reports, repairs, onRepairs, mayRepair, onDifference } = this.#options;
    const chosen = found.map((one) => ({ one, drift: elementDrift(one) })).filter(({ drift }) => mayRepair(drift.key));
    if (chosen.length === 0) return false;
    reports.report(chosen.map(({ drift }) => drift));
    repairs.addElements(
      chosen.map(({ one }) => one),
      recording,
    );
    onRepairs();
    onDifference();
    return true;
  }

  /** True while that table can be compared with the model. */
  #isInForce(table: TableName): boolean {
    return this.#options.table() === table;
  }
}
