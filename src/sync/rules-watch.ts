import type { DryRuns } from '../nft/dry-runs.ts';
import type { RulesLister } from '../nft/rules-lister.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { CHAIN_OBJECTS, chainKindOf } from '../ruleset/program/objects.ts';
import { needsDryRuns, RULES_INTERVAL, rulesInterval } from './audit-budget.ts';
import { Bell } from './bell.ts';
import type { Commits } from './commits.ts';
import type { Recording } from './flights.ts';
import { KnownRules } from './known-rules.ts';
import { LookFailures } from './look-failures.ts';
import { type RulesAudit, RulesAuditor } from './rules-audit.ts';
import type { LooksOptions } from './watch-options.ts';

/** Milliseconds. A listing of rules for the other family may be this old to serve for this one, too. */
const SHARED = 1000;

/** Milliseconds until a dry run that met a transaction of ours is repeated, and until the second look after an alarm. */
const AGAIN = 500;

/**
 * How many looks follow an alarm. A program that breaks something in two steps may be between them during the first look.
 */
const LOOKS = 2;

/** All of these are shared by the families. */
export interface RulesWatchOptions extends LooksOptions {
  readonly lister: RulesLister;
  readonly commits: Commits;
  /** Absent: only listings. */
  readonly dryRuns?: Pick<DryRuns, 'check'> | undefined;
}

/**
 * Compares the rules of a family's table in the kernel with the model. If a listing of all rules in the network namespace is
 * short, it is made every five seconds. Otherwise it is made as often as a small share of a CPU allows, and in between, a
 * dry run every five seconds deletes the rules by their handles and so tells whether they still exist. It does not notice a
 * replaced rule, which keeps its handle.
 */
export class RulesWatch {
  readonly #options: RulesWatchOptions;
  readonly #bell: Bell;
  readonly #rules: RulesAuditor;
  readonly #failures: LookFailures;
  readonly #known: KnownRules;
  #due: number;
  /** When the next dry run is due; infinity: there is none. */
  #tryDue = Number.POSITIVE_INFINITY;
  /** When the next listing would be due without dry runs. */
  #dueWithout = 0;
  /** After a failed dry run: how many looks may find nothing before it counts as a false alarm. */
  #looksLeft = 0;
  /** A listing that began before this does not show what the last sign of trouble is about. */
  #lookedAfter = Number.NEGATIVE_INFINITY;

  constructor(options: RulesWatchOptions) {
    this.#options = options;
    const { clock, nft, model, lister, commits, flights } = options;
    this.#bell = new Bell(clock);
    this.#rules = new RulesAuditor({ nft, program: model.program, lister, commits, clock });
    this.#failures = new LookFailures(options, 'rules');
    this.#known = new KnownRules(model.program);
    for (const setOrMap of CHAIN_OBJECTS) flights.onChange(setOrMap, (chain) => this.#known.forget(chain));
    this.#due = clock.now() + rulesInterval(0);
  }

  /** Compares at once. */
  look(): void {
    const now = this.#options.clock.now();
    this.#due = now;
    this.#lookedAfter = now;
    this.#bell.ring();
  }

  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { clock, table } = this.#options;
    const rest = () => Math.min(this.#due, this.#tryDue) - clock.now();
    return this.#bell.workAfterEach(signal, rest, async () => {
      const now = clock.now();
      const inForce = table();
      if (inForce === undefined) this.#due = now + rulesInterval(0);
      else if (now >= this.#due) await this.#compare(inForce);
      else if (now >= this.#tryDue) await this.#tryNext(inForce);
    });
  }

  async #compare(table: TableName): Promise<void> {
    const { clock, model, flights, observer } = this.#options;
    const recording = flights.record();
    const isAlarmed = this.#looksLeft > 0;
    // After an alarm, the second look must not be given the listing of the first.
    const notBefore = isAlarmed ? clock.now() : Math.max(this.#lookedAfter, clock.now() - SHARED);
    let cost = 0;
    let began = clock.now();
    let isTried = false;
    // At the same time as the other family, or earlier after a sign of trouble.
    this.#due = Number.POSITIVE_INFINITY;
    this.#tryDue = Number.POSITIVE_INFINITY;
    try {
      const audit = await this.#rules.audit(table, model.ruleset, recording, notBefore);
      cost = audit.cost;
      began = audit.began;
      this.#failures.succeeded();
      if (this.#options.table() !== table) return;
      const isRight = audit.findings.length === 0;
      this.#looksLeft = isRight && isAlarmed ? this.#looksLeft - 1 : 0;
      // A difference is repaired and compared again. After a false alarm, dry runs may fail for no reason again.
      isTried = isRight && !isAlarmed && needsDryRuns(cost) && (await this.#learn(table, audit, recording));
      observer.compared(
        audit.findings.map(({ drift }) => drift),
        rulesInterval(cost, isTried),
      );
      observer.noticesDeletions(isTried ? RULES_INTERVAL * this.#known.turns : rulesInterval(cost));
      if (audit.findings.length > 0) this.#repair(table, audit.findings);
      else if (!model.isBehind) observer.verified();
    } catch (error) {
      this.#looksLeft = 0;
      this.#failures.failed(error);
    } finally {
      recording.stop();
      this.#dueWithout = began + rulesInterval(cost);
      const due = this.#looksLeft > 0 ? clock.now() + AGAIN : began + rulesInterval(cost, isTried);
      this.#due = Math.min(this.#due, due);
      if (isTried) this.#tryDue = clock.now() + RULES_INTERVAL;
    }
  }

  /** Returns whether dry runs can now tell if the rules of this look still exist. */
  async #learn(table: TableName, { handles }: RulesAudit, recording: Recording): Promise<boolean> {
    const { ruleset } = this.#options.model;
    const isOld = (chain: string) => {
      const setOrMap = chainKindOf(chain);
      return setOrMap !== undefined && recording.touches(setOrMap, chain);
    };
    this.#known.learn(table, ruleset, new Map([...handles()].filter(([chain]) => !isOld(chain))));
    return (await this.#try(table)) !== 'cannot be';
  }

  /** Makes one dry run. If it does not find a rule, all rules are compared at once. */
  async #tryNext(table: TableName): Promise<void> {
    const { clock, model, observer } = this.#options;
    const began = clock.now();
    this.#tryDue = Number.POSITIVE_INFINITY;
    const outcome = await this.#try(table);
    if (outcome === 'cannot be') this.#due = Math.min(this.#due, this.#dueWithout);
    else if (outcome === 'another table') this.#due = began;
    else if (outcome === 'gone') {
      this.#looksLeft = LOOKS;
      this.look();
    } else {
      this.#tryDue = began + (outcome === 'there' ? RULES_INTERVAL : AGAIN);
      if (outcome === 'there' && !model.isBehind) observer.verified();
    }
  }

  async #try(table: TableName): Promise<'there' | 'gone' | 'not known' | 'another table' | 'cannot be'> {
    const { dryRuns, model } = this.#options;
    if (dryRuns === undefined) return 'cannot be';
    const run = this.#known.next(table, model.ruleset);
    if (run === undefined) return 'another table';
    try {
      await dryRuns.check(run.document);
      return 'there';
    } catch (error) {
      if (!(error instanceof NftError) || error.failure !== 'not-found') return 'cannot be';
      return run.isValid() ? 'gone' : 'not known';
    }
  }

  #repair(table: TableName, findings: RulesAudit['findings']): void {
    const { reports, flights, repairs, onRepairs, mayRepair, onDifference } = this.#options;
    const chosen = findings.filter(({ drift }) => mayRepair(drift.key));
    reports.report(chosen.map(({ drift }) => drift));
    for (const { commands, isValid } of chosen) {
      const recording = flights.record();
      repairs.addRules({
        commands,
        isValid: () => this.#options.table() === table && isValid(recording),
        done: () => {
          recording.stop();
          // It counts as different until it has been compared again.
          this.look();
        },
      });
    }
    if (chosen.length === 0) return;
    onRepairs();
    onDifference();
  }
}
