import { type ElementDifference, elementDrift } from '../audit/drift.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Nft } from '../nft/nft.ts';
import type { RulesLister } from '../nft/rules-lister.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { type Container, decidingContainers } from '../ruleset/container.ts';
import { type AuditBudget, rulesInterval } from './audit-budget.ts';
import { Bell } from './bell.ts';
import type { Clock } from './clock.ts';
import type { Commits } from './commits.ts';
import type { DriftReports } from './drift-reports.ts';
import { ElementsAuditor } from './elements-audit.ts';
import type { FamilyModel } from './family-model.ts';
import { Fights } from './fights.ts';
import type { Flights, Recording } from './flights.ts';
import type { Mends } from './mends.ts';
import type { SyncObserver } from './observer.ts';
import { RulesAuditor } from './rules-audit.ts';

export interface KernelWatchOptions {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly log: Log;
  readonly clock: Clock;
  readonly reports: DriftReports;
  readonly observer: Pick<SyncObserver, 'confirmed' | 'compared' | 'audited'>;
  readonly flights: Flights;
  /** These three are shared by the families. */
  readonly commits: Commits;
  readonly budget: AuditBudget;
  readonly lister: RulesLister;
  /** The table in force; undefined while there is none that can be compared with the model. */
  readonly table: () => TableName | undefined;
  /** Called when our table could not be found. */
  readonly onMissing: () => void;
  /** Takes what is to be mended. */
  readonly mends: Mends;
  /** Called when there is something new in it. */
  readonly onMends: () => void;
}

/** Elements of a family up to which all of its table is listed at once: cheaper than a process for each set and map. */
const SMALL = 2_000;

/** Rounds in which all sets and maps that are to be empty have been looked at. */
const EMPTY_ROUNDS = 4;

/** Milliseconds of CPU time that nft takes to list an element. */
const ELEMENT_COST = 0.03;

/** Milliseconds: how old a listing of rules for the other family may be to serve for this one. */
const SHARED = 1000;

/** Milliseconds between looks at all elements, at least. */
const ELEMENTS_INTERVAL = 10_000;

/** Milliseconds from one look at everything for a reason to the next, at least. */
const CALM = 5_000;

/** Milliseconds that a listing which waits for a moment without changes is put off, and for how long in all at most. */
const POSTPONED = 500;
const PATIENCE = 10_000;

/** Milliseconds after a listing that did not come to an end: the first pause, doubled each time, up to the last. */
const PAUSES = { first: 5_000, most: 600_000 };

/**
 * Compares what the kernel holds with the model, as long as a table is in force: its rules every few seconds, its elements
 * set by set, as far as a small part of a CPU goes, and all at once when there is a sign of trouble. It only reads, beside
 * the transactions that go on meanwhile; what differs in two looks and no transaction of ours has touched is somebody
 * else's doing, and goes to `mends`.
 */
export class KernelWatch {
  readonly #options: KernelWatchOptions;
  readonly #bell: Bell;
  readonly #rules: RulesAuditor;
  readonly #elements: ElementsAuditor;
  readonly #fights = new Fights();
  #rulesDue: number;
  /** A listing that began before does not show what the last sign of trouble is about. */
  #lookedAfter = Number.NEGATIVE_INFINITY;
  #elementsDue: number;
  /** True after a sign of trouble, until all elements were looked at. */
  #isHurried = false;
  /** Since when the next listing of elements has been waiting for a moment without changes. */
  #waitingSince: number | undefined;
  /** No hurry before this: signs of trouble may come all the time. */
  #calmUntil = Number.NEGATIVE_INFINITY;
  /** What is looked at in this round, and what of it is next. */
  #portions: readonly (Container | undefined)[] = [];
  #next = 0;
  #rounds = 0;
  /** False if something in this round could not be looked at. */
  #isWhole = true;
  /** When the last whole round ended. */
  #audited: number;
  #hurriedCost = 0;
  #failures = 0;
  #saidBlind = false;

  constructor(options: KernelWatchOptions) {
    this.#options = options;
    const { clock, nft, model, lister, flights, commits, budget } = options;
    this.#bell = new Bell(clock);
    this.#rules = new RulesAuditor({ nft, program: model.program, lister, clock });
    this.#rulesDue = clock.now() + rulesInterval(0);
    const onCost = (cost: number) => {
      if (this.#isHurried) this.#hurriedCost += cost;
      else budget.spend(clock.now(), cost);
    };
    this.#elements = new ElementsAuditor({ model, nft, flights, commits, onCost });
    this.#audited = clock.now();
    this.#elementsDue = this.#audited + ELEMENTS_INTERVAL;
  }

  /** Looks at everything at once. */
  look(): void {
    const now = this.#options.clock.now();
    this.#rulesDue = now;
    this.#lookedAfter = now;
    if (now >= this.#calmUntil && !this.#isHurried) {
      this.#isHurried = true;
      this.#elementsDue = now;
      this.#hurriedCost = 0;
      this.#next = 0;
      this.#isWhole = true;
    }
    this.#bell.ring();
  }

  /** What was mended is looked at again: until then it counts as different. */
  #lookAtRules(): void {
    const now = this.#options.clock.now();
    this.#rulesDue = now;
    this.#lookedAfter = now;
    this.#bell.ring();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, table } = this.#options;
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true });
    while (!signal.aborted) {
      const due = Math.min(this.#rulesDue, this.#isHurried ? this.#elementsDue : this.#elementsFree);
      await this.#bell.sleep(Math.max(MIN_SLEEP, due - clock.now()));
      if (signal.aborted) return;
      const now = clock.now();
      const inForce = table();
      if (inForce === undefined) {
        this.#rulesDue = now + rulesInterval(0);
        continue;
      }
      if (now >= this.#rulesDue) await this.#watchRules(inForce);
      else if (now >= (this.#isHurried ? this.#elementsDue : this.#elementsFree)) await this.#watchElements(inForce);
    }
  }

  get #elementsFree(): number {
    return Math.max(this.#elementsDue, this.#options.budget.free);
  }

  async #watchRules(table: TableName): Promise<void> {
    const { clock, model, flights, observer } = this.#options;
    const recording = flights.record();
    const notBefore = Math.max(this.#lookedAfter, clock.now() - SHARED);
    let cost = 0;
    let began = clock.now();
    try {
      const audit = await this.#rules.audit(table, model.ruleset, recording, notBefore);
      cost = audit.cost;
      began = audit.began;
      this.#failures = 0;
      this.#saidBlind = false;
      if (!this.#isInForce(table)) return;
      observer.compared(
        audit.findings.map(({ drift }) => drift),
        rulesInterval(cost),
      );
      if (audit.findings.length > 0) this.#mendRules(table, audit.findings);
      else if (!model.isBehind) observer.confirmed();
    } catch (error) {
      this.#failed(error);
    } finally {
      recording.stop();
      // At the same moment as the other family.
      this.#rulesDue = began + rulesInterval(cost);
    }
  }

  #mendRules(table: TableName, findings: Awaited<ReturnType<RulesAuditor['audit']>>['findings']): void {
    const { reports, flights, mends, onMends } = this.#options;
    const chosen = findings.filter(({ drift }) => this.#mayMend(drift.key));
    reports.report(chosen.map(({ drift }) => drift));
    for (const { commands, isValid } of chosen) {
      const recording = flights.record();
      mends.addRules({
        commands,
        isValid: () => this.#isInForce(table) && isValid(recording),
        done: () => {
          recording.stop();
          this.#lookAtRules();
        },
      });
    }
    if (chosen.length === 0) return;
    onMends();
    this.look();
  }

  /**
   * All of the table, or one set or map after the other. To those that are to be empty others can only add something: a part
   * of them in each round, since it takes a process to see that they are.
   */
  #newRound(): readonly (Container | undefined)[] {
    const { ruleset, program } = this.#options.model;
    this.#rounds++;
    if (ruleset.size <= SMALL) return [undefined];
    return decidingContainers(program).filter(
      (container, i) =>
        this.#isHurried || ruleset.countOf(container) > 0 || i % EMPTY_ROUNDS === this.#rounds % EMPTY_ROUNDS,
    );
  }

  /** True where changes come too often for a listing that takes so many milliseconds: nft begins it anew with each. */
  #hasNoRest(expected: number): boolean {
    const { clock, commits } = this.#options;
    if (expected <= POSTPONED / 10 || commits.quiet >= Math.max(POSTPONED, expected)) return false;
    this.#waitingSince ??= clock.now();
    return true;
  }

  async #watchElements(table: TableName): Promise<void> {
    const { clock, model, flights, budget, observer } = this.#options;
    if (this.#next === 0) this.#portions = this.#newRound();
    const portions = this.#portions;
    const container = portions[this.#next];
    const count = container === undefined ? model.ruleset.size : model.ruleset.countOf(container);
    const expected = count * ELEMENT_COST;
    const isHeld = this.#hasNoRest(expected);
    if (isHeld && clock.now() - (this.#waitingSince ?? 0) < PATIENCE) {
      this.#elementsDue = clock.now() + POSTPONED;
      return;
    }
    this.#waitingSince = undefined;
    const recording = flights.record();
    let isHandedOver = false;
    try {
      const timeout = TIMEOUT + (5 * expected) / 1000;
      const found = await this.#elements.audit({ table, container, timeout, isHeld }, recording);
      this.#failures = 0;
      if (found.length > 0 && this.#isInForce(table)) isHandedOver = this.#mendElements(found, recording);
    } catch (error) {
      this.#isWhole = false;
      this.#failed(error);
    } finally {
      if (!isHandedOver) recording.stop();
    }
    const isPart = this.#next + 1 < portions.length || (portions.length > 1 && !this.#isHurried);
    const pause = this.#failures === 0 ? 0 : Math.min(PAUSES.first * 2 ** (this.#failures - 1), PAUSES.most);
    this.#elementsDue = clock.now() + Math.max(pause, isPart ? 0 : ELEMENTS_INTERVAL);
    this.#next++;
    if (this.#next < portions.length) return;
    this.#next = 0;
    if (this.#isWhole && this.#isInForce(table)) {
      const now = clock.now();
      observer.audited(this.#isHurried ? undefined : now - this.#audited);
      this.#audited = now;
    }
    this.#isWhole = true;
    if (!this.#isHurried) return;
    this.#isHurried = false;
    this.#calmUntil = clock.now() + Math.max(CALM, 10 * this.#hurriedCost);
    budget.spend(clock.now(), 0);
  }

  /** Returns whether anything is to be mended. */
  #mendElements(found: readonly ElementDifference[], recording: Recording): boolean {
    const { reports, mends, onMends } = this.#options;
    const chosen = found
      .map((one) => ({ one, drift: elementDrift(one) }))
      .filter(({ drift }) => this.#mayMend(drift.key));
    if (chosen.length === 0) return false;
    reports.report(chosen.map(({ drift }) => drift));
    mends.addElements(
      chosen.map(({ one }) => one),
      recording,
    );
    onMends();
    this.look();
    return true;
  }

  #mayMend(key: string): boolean {
    const { clock, log, model } = this.#options;
    if (!this.#fights.mayMend(key, clock.now())) return false;
    if (this.#fights.hasBegun(key)) {
      const seconds = this.#fights.pauseOf(key) / 1000;
      log.warn(
        `somebody undoes again and again what we mend: ${key}. It is mended later and later, next time not before ` +
          `${seconds} s; find out who does it with "nft monitor"`,
        { family: model.family },
      );
    }
    return true;
  }

  /** True while that table can be compared with the model. */
  #isInForce(table: TableName): boolean {
    return this.#options.table() === table;
  }

  #failed(error: unknown): void {
    const { log, model, onMissing, table } = this.#options;
    if (table() === undefined) return;
    this.#failures++;
    if (error instanceof NftError && error.failure === 'not-found') onMissing();
    else if (!(error instanceof NftError && error.isTooSlow) && !this.#saidBlind) {
      this.#saidBlind = true;
      log.warn(`what is in the kernel cannot be compared with the model: ${messageOf(error)}`, {
        family: model.family,
      });
    }
  }
}

/** Milliseconds. */
const MIN_SLEEP = 20;

/** Seconds that nft is given for the shortest listing. */
const TIMEOUT = 3;
