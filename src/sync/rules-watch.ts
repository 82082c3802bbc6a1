import type { RulesLister } from '../nft/rules-lister.ts';
import type { TableName } from '../nft/tables.ts';
import { rulesInterval } from './audit-budget.ts';
import { Bell } from './bell.ts';
import { LookFailures } from './look-failures.ts';
import { type RulesAudit, RulesAuditor } from './rules-audit.ts';
import type { LooksOptions } from './watch-options.ts';

/** Milliseconds: how old a listing of rules for the other family may be to serve for this one. */
const SHARED = 1000;

/** Milliseconds. */
const MIN_SLEEP = 20;

/** Compares the rules of a family's table in the kernel with what they should be, every few seconds. */
export class RulesWatch {
  readonly #options: LooksOptions;
  readonly #bell: Bell;
  readonly #rules: RulesAuditor;
  readonly #failures: LookFailures;
  #due: number;
  /** A listing that began before does not show what the last sign of trouble is about. */
  #lookedAfter = Number.NEGATIVE_INFINITY;

  /** `lister`: shared by the families. */
  constructor(options: LooksOptions, lister: RulesLister) {
    this.#options = options;
    const { clock, nft, model } = options;
    this.#bell = new Bell(clock);
    this.#rules = new RulesAuditor({ nft, program: model.program, lister, clock });
    this.#failures = new LookFailures(options, 'rules');
    this.#due = clock.now() + rulesInterval(0);
  }

  /** Looks at once. */
  look(): void {
    const now = this.#options.clock.now();
    this.#due = now;
    this.#lookedAfter = now;
    this.#bell.ring();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, table } = this.#options;
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true });
    while (!signal.aborted) {
      await this.#bell.sleep(Math.max(MIN_SLEEP, this.#due - clock.now()));
      if (signal.aborted) return;
      const now = clock.now();
      const inForce = table();
      if (inForce === undefined) this.#due = now + rulesInterval(0);
      else if (now >= this.#due) await this.#compare(inForce);
    }
  }

  async #compare(table: TableName): Promise<void> {
    const { clock, model, flights, observer } = this.#options;
    const recording = flights.record();
    const notBefore = Math.max(this.#lookedAfter, clock.now() - SHARED);
    let cost = 0;
    let began = clock.now();
    // At the same moment as the other family; a sign of trouble that comes meanwhile makes it sooner.
    this.#due = Number.POSITIVE_INFINITY;
    try {
      const audit = await this.#rules.audit(table, model.ruleset, recording, notBefore);
      cost = audit.cost;
      began = audit.began;
      this.#failures.succeeded();
      if (this.#options.table() !== table) return;
      observer.compared(
        audit.findings.map(({ drift }) => drift),
        rulesInterval(cost),
      );
      if (audit.findings.length > 0) this.#mend(table, audit.findings);
      else if (!model.isBehind) observer.confirmed();
    } catch (error) {
      this.#failures.failed(error);
    } finally {
      recording.stop();
      this.#due = Math.min(this.#due, began + rulesInterval(cost));
    }
  }

  #mend(table: TableName, findings: RulesAudit['findings']): void {
    const { reports, flights, mends, onMends, mayMend, onDifference } = this.#options;
    const chosen = findings.filter(({ drift }) => mayMend(drift.key));
    reports.report(chosen.map(({ drift }) => drift));
    for (const { commands, isValid } of chosen) {
      const recording = flights.record();
      mends.addRules({
        commands,
        isValid: () => this.#options.table() === table && isValid(recording),
        done: () => {
          recording.stop();
          // It counts as different until it was looked at again.
          this.look();
        },
      });
    }
    if (chosen.length === 0) return;
    onMends();
    onDifference();
  }
}
