import { elementDrift } from '../audit/drift.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { RulesLister } from '../nft/rules-lister.ts';
import { NftError } from '../nft/run.ts';
import { findTables, foundElements, readTable, type TableName } from '../nft/tables.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { sizeOf, type Transaction } from '../ruleset/model/transaction.ts';
import { heartbeatPortsIn } from '../ruleset/program/heartbeat.ts';
import { assertWell } from './assert-well.ts';
import { AuditBudget } from './audit-budget.ts';
import { Bell } from './bell.ts';
import { CleanupError } from './cleanup-error.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { Commits } from './commits.ts';
import { DriftReports } from './drift-reports.ts';
import type { FamilyModel } from './family-model.ts';
import { adoptTable, liveTable, readDuringInitialSync, replaceTable } from './fill.ts';
import { Flights } from './flights.ts';
import { INITIAL_SYNC_DONE, type InitialSync } from './initial-sync.ts';
import { KernelWatch } from './kernel-watch.ts';
import { isDrift, LESSONS, learn } from './learn.ts';
import { madeBy } from './made-by.ts';
import { NO_OBSERVER, type SyncObserver, type SyncResult } from './observer.ts';
import { BACKLOG, type FamilyPace, Pace } from './pace.ts';
import { repairChains } from './repair-chains.ts';
import { Repairs } from './repairs.ts';
import { isCleanRefusal, isForContent, nextOf, type Sent, send, type Target } from './sender.ts';
import { actionFor, retryDelay, type SyncEvent, type SyncState, step, UNKNOWN } from './state.ts';
import type { SyncerOptions } from './syncer-options.ts';
import { WeightLimit } from './weight-limit.ts';

/** Milliseconds between checks whether our table still exists. The open session lists the chains. */
const CHECK_INTERVAL = 5000;

/**
 * Keeps the kernel's table of one family equal to the model (for its states, see state.ts). One transaction is in flight at
 * a time. Changes that arrive in the meantime go into the next one together.
 */
export class FamilySyncer {
  readonly #model: FamilyModel;
  readonly #nft: Nft;
  readonly #log: Log;
  readonly #observer: SyncObserver;
  readonly #clock: Clock;
  readonly #pace: FamilyPace;
  readonly #heartbeatPorts: NonNullable<SyncerOptions['heartbeatPorts']>;
  /** Milliseconds without a change after which elements that only wait to be deleted are deleted. */
  readonly #quiet: number;
  readonly #bell: Bell;
  readonly #stop = new AbortController();
  readonly #weightLimit = new WeightLimit();
  readonly #reports: DriftReports;
  readonly #flights: Flights;
  readonly #repairs = new Repairs();
  /** Compares the kernel with the model; undefined: not compared. */
  readonly #watch: KernelWatch | undefined;
  #state: SyncState = UNKNOWN;
  /** Pending while the kernel is behind the model. */
  #inSync = Promise.withResolvers<void>();
  #isInSync = false;
  /** How many transactions in a row have failed because of changes by others. */
  #lessons = 0;
  /** Why the kernel is to be checked now; undefined: no reason. */
  #lookReason: string | undefined;

  constructor(model: FamilyModel, nft: Nft, log: Log, options: SyncerOptions = {}) {
    const { observer = NO_OBSERVER, clock = SYSTEM_CLOCK, pace = new Pace(clock), watch = true } = options;
    const { budget = new AuditBudget(), lister = new RulesLister(), commits = new Commits(clock) } = options;
    this.#model = model;
    this.#nft = nft;
    this.#log = log;
    this.#observer = observer;
    this.#clock = clock;
    this.#pace = pace.family();
    this.#heartbeatPorts = options.heartbeatPorts ?? (async () => undefined);
    this.#quiet = pace.interval;
    this.#bell = new Bell(clock);
    this.#flights = new Flights(commits);
    this.#reports = new DriftReports({ family: model.family, log, observer, now: () => clock.now() });
    const watched = {
      table: () => this.table,
      onMissing: () => this.#check('its rules cannot be listed'),
      repairs: this.#repairs,
      onRepairs: () => this.#bell.ring(),
    };
    const told = { observer: { ...observer, verified: () => this.#verified() }, dryRuns: options.dryRuns };
    const common = { model, nft, log, clock, budget, lister, commits, flights: this.#flights, reports: this.#reports };
    this.#watch = watch ? new KernelWatch({ ...common, ...watched, ...told }) : undefined;
  }

  /** The table in force, or undefined before the first fill and during repairs. */
  get table(): TableName | undefined {
    return this.#state.is === 'live' ? this.#state.table : undefined;
  }

  /** Resolves when everything known by now is in force in the kernel. */
  whenInSync(): Promise<void> {
    return this.#inSync.promise;
  }

  /** Notes changed Services. They go to the kernel at once, unless a transaction is in flight or has just ended. */
  changed(serviceKeys: readonly string[]): void {
    let isConcerned = false;
    for (const key of serviceKeys) if (this.#model.markDirty(key)) isConcerned = true;
    if (isConcerned) this.#wakeUp();
    else if (this.#isInSync) this.#observer.unaffected();
  }

  /** Notes that this node changed: its addresses, pod networks or zone. */
  nodeChanged(): void {
    this.#model.nodeChanged();
    this.#wakeUp();
  }

  /** Notes that networks changed that no Service depends on (ServiceCIDRs). */
  networksChanged(): void {
    this.#model.networksChanged();
    this.#wakeUp();
  }

  /**
   * Checks at once whether our table still exists, between two transactions if one is in flight. Then the watch compares
   * everything in the table, while transactions continue. `reason`: why, for the log. While no table is in force, the kernel
   * is read anyway, so nothing is done.
   */
  look(reason: string): void {
    this.#check(reason);
    this.#watch?.look();
  }

  #check(reason: string): void {
    if (this.#state.is !== 'live') return;
    this.#lookReason = reason;
    this.#log.detail(2, 'looking at the kernel', { family: this.#model.family, reason });
    this.#bell.ring();
  }

  /** Works until stop. No packet reaches the table before the initial sync is complete. */
  async run(initialSync = INITIAL_SYNC_DONE): Promise<void> {
    void this.#watch?.run(this.#stop.signal);
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#state.is === 'live') await this.#sendOrRest(this.#state.table);
        else await this.#settle(initialSync);
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  /** Stops after the transaction in flight. The rules stay. */
  stop(): void {
    this.#stop.abort();
    this.#bell.ring();
  }

  #become(event: SyncEvent): void {
    this.#state = step(this.#state, event);
    if (this.#state.is !== 'live') this.#repairs.clear();
  }

  /** Brings the kernel's table to a state from which changes can continue. */
  async #settle(initialSync: InitialSync): Promise<void> {
    const table = await this.#readOrBuild(initialSync);
    this.#become({ event: 'settled', table });
    this.#model.batches.grow();
    // The transactions that follow are small. Until the session is open, each gets its own process.
    void this.#nft.openSession(this.#log);
  }

  async #readOrBuild(initialSync: InitialSync): Promise<TableName> {
    const tables = await findTables(this.#nft, this.#model.family);
    this.#model.setSyntax = await this.#nft.setSyntax();
    const live = actionFor(this.#state) === 'repair' ? liveTable(tables, this.#model) : undefined;
    const complete = initialSync.whenComplete.then(() => {
      this.#observer.began();
      this.#observer.caughtUp();
    });
    const program = this.#model.program;
    // This happens while objects still arrive.
    let contents = live && (await readDuringInitialSync(this.#model, this.#nft, live.name, initialSync));
    if (live === undefined || contents === undefined) {
      this.#model.heartbeat = await this.#heartbeatPorts();
      const { table, written } = await replaceTable(this.#model, this.#nft, tables, this.#log, initialSync);
      this.#succeeded('full', written);
      return table;
    }
    // Chains serve existing Services, so repairing them does not wait for objects.
    const drifts = await repairChains(this.#nft, program, live.name, contents.chains);
    this.#reports.report(drifts);
    if (drifts.length > 0) contents = await readTable(this.#nft, program, live.name);
    const found = foundElements(contents);
    this.#model.heartbeat = await this.#heartbeatPorts(heartbeatPortsIn(found));
    await complete;
    this.#succeeded('full', await adoptTable(this.#model, this.#nft, live, found, this.#log));
    return live.name;
  }

  #succeeded(kind: SyncResult['kind'], operations: number): void {
    this.#observer.succeeded({ kind, operations, services: this.#model.takeProgrammed() });
  }

  async #sendOrRest(table: TableName): Promise<void> {
    if (this.#lookReason !== undefined && !(await this.#checkTable(table, this.#lookReason))) return;
    this.#model.advance(this.#clock.now());
    if (this.#repairs.areThere) await this.#repairNext(table);
    if (this.#model.isBehind) {
      if (this.#model.backlog < BACKLOG && !this.#model.hasLarge) await this.#pace.turn();
      if (this.#isLive(table)) this.#pace.took(await this.#sendNext(table));
      if (this.#model.suspects.areThere && this.#isLive(table)) await this.#trySuspects(table);
    } else if (this.#model.suspects.areThere) {
      await this.#trySuspects(table);
    } else if (this.#model.isDirty) {
      // What only waits to be deleted goes with the next change, or by itself if none comes.
      if (await this.#bell.sleep(this.#quiet)) return;
      while (!this.#model.isBehind && this.#model.isDirty && this.#isLive(table)) await this.#sendNext(table);
    } else if (!this.#repairs.areThere) {
      this.#isInSync = true;
      this.#inSync.resolve();
      const wasRung = await this.#bell.sleep(this.#model.slowStarting.rest(CHECK_INTERVAL));
      if (!wasRung && this.#watch === undefined) await this.#checkTable(table);
    }
  }

  /** False once there is reason to doubt the table, or once we are to stop. */
  #isLive(table: TableName): boolean {
    return this.table === table && !this.#stop.signal.aborted;
  }

  /** Sends one transaction. Returns how many milliseconds it took. */
  async #sendNext(table: TableName): Promise<number> {
    const { family } = this.#model;
    this.#observer.began();
    const target = { model: this.#model, nft: this.#nft, table, isLive: true };
    const next = await nextOf(target, { maxWeight: this.#weightLimit.value });
    if (!this.#model.isBehind) this.#observer.caughtUp();
    const operations = sizeOf(next.transaction);
    const began = this.#clock.now();
    try {
      await this.#flights.during(next.transaction, () => send(target, next));
    } catch (error) {
      if (await this.#learnt(error, target, next)) return this.#sendNext(table);
      if (!isForContent(error)) throw error;
      const suspects = this.#model.suspects.add(next.frontends ?? [], error, operations);
      if (suspects === 0 || !isCleanRefusal(error)) throw error;
      next.undo?.();
      this.#refused(error, 'nft refused a transaction, trying its content in parts');
      return 0;
    }
    this.#lessons = 0;
    if (operations > 0) this.#log.detail(2, 'transaction done', { family, operations });
    this.#succeeded('partial', operations);
    if (operations === 0) return 0;
    const took = this.#clock.now() - began;
    this.#weightLimit.took(took, this.#model.ruleset.takenWeight);
    return took;
  }

  /** True if it is known why a transaction failed, and the next one can go. */
  async #learnt(error: unknown, target: Target, sent: Sent): Promise<boolean> {
    if (!isDrift(error) || ++this.#lessons > LESSONS) return false;
    const lesson = await learn(target, sent);
    if (lesson === undefined) return false;
    this.#log.warn(`a transaction failed, listing its sets and maps: ${error.message}`, {
      family: target.model.family,
    });
    this.#reports.report([...lesson.learnt, ...lesson.others].map(elementDrift));
    this.#repairs.addElements(lesson.others, this.#flights.record());
    this.look(`a transaction failed: ${error.message}`);
    return true;
  }

  #sendAlone(table: TableName, transaction: Transaction): Promise<void> {
    const target = { model: this.#model, nft: this.#nft, table, isLive: true };
    return this.#flights.during(transaction, () => send(target, { transaction, isCleanup: false }));
  }

  /** Repairs some of what others changed, but no more than other changes can wait for. */
  async #repairNext(table: TableName): Promise<void> {
    this.#observer.began();
    const rules = this.#repairs.takeRules();
    if (rules !== undefined) {
      if (rules.isValid()) await this.#nft.apply(document(rules.commands));
      rules.done();
      return this.#succeeded('partial', 0);
    }
    const { ruleset } = this.#model;
    const transaction = ruleset.takeCorrections(this.#repairs.takeElements());
    const sent = { transaction, isCleanup: false, undo: ruleset.lastUndo };
    const target = { model: this.#model, nft: this.#nft, table, isLive: true };
    try {
      if (sizeOf(transaction) > 0) await this.#sendAlone(table, transaction);
    } catch (error) {
      if (!(await this.#learnt(error, target, sent))) throw error;
      await this.#sendNext(table);
    }
    this.#succeeded('partial', sizeOf(transaction));
  }

  /** Tries some of the suspects, apart from all other frontends. */
  async #trySuspects(table: TableName): Promise<void> {
    const { suspects, ruleset } = this.#model;
    if (suspects.slowAlone !== undefined) {
      await assertWell(this.#nft, this.#model.family, table, this.#clock);
      suspects.failed(this.#clock.now(), suspects.slowAlone);
      return;
    }
    const transaction = suspects.transaction();
    const undo = ruleset.lastUndo;
    try {
      await this.#sendAlone(table, transaction);
    } catch (error) {
      if (!isForContent(error)) throw error;
      if (isCleanRefusal(error)) undo();
      if (suspects.count === 1) await assertWell(this.#nft, this.#model.family, table, this.#clock);
      suspects.failed(this.#clock.now(), error.message);
      if (!isCleanRefusal(error)) throw error;
      this.#refused(error, 'nft refused part of a transaction', transaction.adds);
      return;
    }
    suspects.passed();
    this.#succeeded('partial', sizeOf(transaction));
  }

  #refused(error: NftError, what: string, adds: readonly Element[] = []): void {
    this.#become({ event: 'refused' });
    this.#observer.failed(error);
    this.#log.error(what, error.message, { family: this.#model.family, madeBy: madeBy(adds, this.#model) });
  }

  /**
   * Other programs flush rulesets (`nft flush ruleset`, a reload of nftables.service). Without this check, traffic would
   * have to wait for the next change. Returns false if our table is lost.
   */
  async #checkTable(table: TableName, reason?: string): Promise<boolean> {
    this.#lookReason = undefined;
    const { family } = this.#model;
    // A change that was in progress at the first look is done by the second.
    if ((await this.#isThere(table)) || (await this.#isThere(table))) {
      this.#verified();
      return true;
    }
    const why = reason !== undefined && { reason };
    this.#log.warn('somebody removed or changed our table: building it anew', { family, ...why });
    this.#become({ event: 'gone' });
    this.#setBehind();
    this.#observer.tableLost();
    return false;
  }

  /** Transactions in flight may still fail. */
  #verified(): void {
    if (this.#isInSync) this.#observer.verified();
  }

  async #isThere(table: TableName): Promise<boolean> {
    const tables = await findTables(this.#nft, this.#model.family);
    // The watch repairs everything else in place.
    if (this.#watch !== undefined)
      return tables.some(({ name, baseChains }) => name === table && baseChains.length > 0);
    return liveTable(tables, this.#model)?.name === table;
  }

  #wakeUp(): void {
    this.#setBehind();
    this.#observer.queued();
    this.#bell.ring();
  }

  #setBehind(): void {
    if (!this.#isInSync) return;
    this.#isInSync = false;
    this.#inSync = Promise.withResolvers();
  }

  async #failed(error: unknown): Promise<void> {
    const wasInForce = this.#state.is === 'live';
    const isUnknown = error instanceof NftError && error.failure === 'unknown-outcome';
    this.#become({ event: 'failed', isKill: isUnknown && !error.isTooSlow });
    if (isUnknown) this.#model.batches.shrink();
    const isCleanup = error instanceof CleanupError;
    if (isCleanup) this.#observer.cleanupFailed();
    // While a table is in force, a cleanup comes only after everything that is needed.
    if (!isCleanup || !wasInForce) this.#observer.failed(error);
    if (wasInForce && error instanceof NftError && error.failure === 'not-found') this.#observer.tableLost();
    const what = isCleanup ? 'what is no longer needed could not be deleted' : 'a transaction failed';
    const delay = retryDelay(this.#state);
    this.#log.error(`${what}, reading the kernel again`, messageOf(error), {
      family: this.#model.family,
      failures: this.#state.is === 'live' ? 0 : this.#state.attempt,
      retryAfterMs: delay,
    });
    await this.#clock.sleep(delay, this.#stop.signal);
  }
}
