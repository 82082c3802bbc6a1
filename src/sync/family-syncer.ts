import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import { dynamicObjects, findTables, hasAllRules, listElements, listFrame, type TableName } from '../nft/tables.ts';
import { deepestFirst, sizeOf } from '../ruleset/transaction.ts';
import { ARRIVED, type Arrival } from './arrival.ts';
import { CleanupError, cleaningUp } from './cleanup-error.ts';
import type { FamilyModel } from './family-model.ts';
import { adoptTable, documentOf, liveTable, replaceTable } from './fill.ts';
import { NO_OBSERVER, type SyncObserver, type SyncResult } from './observer.ts';

/** Seconds between two looks at whether our table is still there. One costs an nft process of a few milliseconds. */
const CHECK_INTERVAL = 5;

/** Milliseconds until a failed repair is tried again: doubled each time, up to the second. */
const RETRY_DELAYS = { first: 500, most: 30_000 };

/**
 * Keeps the kernel's table of one family equal to the model. One transaction is in flight at a time; changes that
 * arrive meanwhile go together into the next. After any failure the kernel is read again and the difference written;
 * if that fails too, the table is built anew beside the old one.
 */
export class FamilySyncer {
  readonly #model: FamilyModel;
  readonly #nft: Nft;
  readonly #log: Log;
  #table: TableName | undefined;
  #failures = 0;
  #recheck = false;
  #wake: (() => void) | undefined;
  #stopped = false;
  /** Pending while the kernel is behind the model. */
  #inSync = Promise.withResolvers<void>();
  #isInSync = false;
  readonly #observer: SyncObserver;

  constructor(model: FamilyModel, nft: Nft, log: Log, observer: SyncObserver = NO_OBSERVER) {
    this.#observer = observer;
    this.#model = model;
    this.#nft = nft;
    this.#log = log;
  }

  /** The table in force, or undefined before the first fill and during repairs. */
  get table(): TableName | undefined {
    return this.#table;
  }

  /** Resolves when everything known by now is in force in the kernel. */
  whenInSync(): Promise<void> {
    return this.#inSync.promise;
  }

  /** Notes changed Services; they go to the kernel at once if nothing is in flight. */
  changed(serviceKeys: readonly string[]): void {
    if (serviceKeys.length === 0) return;
    for (const key of serviceKeys) this.#model.markDirty(key);
    this.#wakeUp();
  }

  /** Notes that this node changed: its addresses, pod networks or zone. */
  nodeChanged(): void {
    this.#model.nodeChanged();
    this.#wakeUp();
  }

  /** Notes that networks changed that no Service depends on: ServiceCIDRs. */
  networksChanged(): void {
    this.#model.networksChanged();
    this.#wakeUp();
  }

  /** Reads the kernel again and mends what is not as it should be. */
  recheck(): void {
    if (this.#table === undefined) return;
    this.#recheck = true;
    this.#wakeUp();
  }

  /** Works until stop. Nothing is put in the packets' way before the arrival is complete. */
  async run(arrival = ARRIVED): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#recheck) this.#table = undefined;
        this.#recheck = false;
        if (this.#table === undefined) this.#table = await this.#reconcile(arrival);
        // Bulk is done: what follows is small. Until it is open, each transaction has a process of its own.
        void this.#nft.openSession(this.#log);
        await this.#sendChanges(this.#table);
        this.#failures = 0;
        if (await this.#sleepUntilChanged()) await this.#checkTable(this.#table);
      } catch (error) {
        const wasInForce = this.#table !== undefined;
        this.#table = undefined;
        const isCleanup = error instanceof CleanupError;
        if (isCleanup) this.#observer.cleanupFailed();
        // Where a table is in force, nothing is cleaned up before all that is needed is there.
        if (!isCleanup || !wasInForce) this.#observer.failed();
        if (wasInForce && error instanceof NftError && error.failure === 'not-found') this.#observer.lost();
        await this.#backOff(error);
      }
    }
  }

  /** Stops after the transaction in flight. The rules stay. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  async #reconcile(arrival: Arrival): Promise<TableName> {
    const tables = await findTables(this.#nft, this.#model.family);
    this.#model.setDialect = await this.#nft.setDialect();
    const live = liveTable(tables, this.#model);
    const complete = arrival.whenComplete.then(() => {
      this.#observer.began();
      this.#observer.tookAll();
    });
    // After a second failure in a row: what is in the table cannot be mended by writing the difference.
    const mendable = live !== undefined && this.#failures <= 1;
    const program = this.#model.program;
    // Both at once, and while objects still arrive: each takes as long as nft takes to read all elements.
    const [frame, elements] = mendable
      ? await Promise.all([
          listFrame(this.#nft, this.#model.family, live.name),
          listElements(this.#nft, program, live.name),
        ])
      : [];
    if (live === undefined || frame === undefined || elements === undefined || !hasAllRules(frame, program)) {
      const { table, written } = await replaceTable(this.#model, this.#nft, tables, this.#log, arrival);
      this.#succeeded('full', written);
      return table;
    }
    await complete;
    const found = [...elements, ...dynamicObjects(frame)];
    this.#succeeded('full', await adoptTable(this.#model, this.#nft, live, found, this.#log));
    return live.name;
  }

  #succeeded(kind: SyncResult['kind'], operations: number): void {
    this.#observer.succeeded({ kind, operations, services: this.#model.takeProgrammed() });
  }

  async #sendChanges(table: TableName): Promise<void> {
    while (this.#model.isDirty && !this.#stopped) {
      this.#observer.began();
      const isCleanup = !this.#model.isBehind;
      const transaction = this.#model.nextTransaction();
      if (!this.#model.isBehind) this.#observer.tookAll();
      const operations = sizeOf(transaction);
      for (const part of deepestFirst(transaction, this.#model.program.hops)) {
        const json = documentOf(this.#model, table, part);
        if (json === undefined) continue;
        const applied = this.#nft.apply(json);
        await (isCleanup ? cleaningUp(applied) : applied);
      }
      if (operations > 0) this.#log.detail(2, 'transaction done', { family: this.#model.family, operations });
      this.#succeeded('partial', operations);
    }
  }

  /** Resolves when there is something to do; true if it is only time to look after the table again. */
  async #sleepUntilChanged(): Promise<boolean> {
    if (this.#model.isDirty || this.#recheck || this.#stopped) return false;
    this.#isInSync = true;
    this.#inSync.resolve();
    const isTime = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(true), CHECK_INTERVAL * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
    this.#wake = undefined;
    return isTime;
  }

  /** Others flush rulesets (`nft flush ruleset`, a reload of nftables.service): traffic would wait for the next change. */
  async #checkTable(table: TableName): Promise<void> {
    const live = liveTable(await findTables(this.#nft, this.#model.family), this.#model);
    if (live?.name === table) return this.#observer.confirmed();
    this.#log.warn('somebody removed or changed our table: building it anew', { family: this.#model.family });
    this.#table = undefined;
    this.#setBehind();
    this.#observer.lost();
  }

  #wakeUp(): void {
    this.#setBehind();
    this.#observer.queued();
    this.#wake?.();
  }

  #setBehind(): void {
    if (!this.#isInSync) return;
    this.#isInSync = false;
    this.#inSync = Promise.withResolvers();
  }

  async #backOff(error: unknown): Promise<void> {
    const delay =
      this.#failures === 0 ? 0 : Math.min(RETRY_DELAYS.first * 2 ** (this.#failures - 1), RETRY_DELAYS.most);
    this.#failures++;
    const what =
      error instanceof CleanupError ? 'what is no longer needed could not be deleted' : 'a transaction failed';
    this.#log.error(`${what}, reading the kernel again`, messageOf(error), {
      family: this.#model.family,
      failures: this.#failures,
      retryAfterMs: delay,
    });
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        if (!this.#stopped) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
