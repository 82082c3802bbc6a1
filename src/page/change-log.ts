import type { Drift } from '../audit/drift.ts';
import type { SyncObserver } from '../sync/observer.ts';
import type { Family, PageChange, PageDrift } from './shapes.ts';
import type { StepRing } from './step-ring.ts';

/** How many transactions and drifts are remembered, and how many keys of Services for each. */
const REMEMBERED = 50;
const KEYS = 5;

/** How many keys of changed Services are remembered, so that a page can request only these. */
const CHANGED_KEYS = 1000;

/** Characters of a message about a drift. */
const MAX_MESSAGE = 300;

export interface ChangeLogOptions {
  readonly ring: StepRing;
  /** Milliseconds since 1970, to be shown; and of a steady clock. */
  readonly date?: () => number;
  readonly elapsed?: () => number;
}

/** Recent changes, and what others changed. Limited to a few kilobytes. */
export class ChangeLog {
  readonly #ring: StepRing;
  readonly #date: () => number;
  readonly #elapsed: () => number;
  /** The newest first. */
  #changes: readonly PageChange[] = [];
  #drifts: readonly PageDrift[] = [];
  #sequence = 0;
  /** Keys of Services → their last change; the oldest first. */
  readonly #changed = new Map<string, number>();
  /** Changes up to this one are forgotten. */
  #forgotten = 0;

  constructor({ ring, date = Date.now, elapsed = () => performance.now() }: ChangeLogOptions) {
    this.#ring = ring;
    this.#date = date;
    this.#elapsed = elapsed;
  }

  /** Increases with each change of Services. */
  get sequence(): number {
    return this.#sequence;
  }

  get changes(): readonly PageChange[] {
    return this.#changes;
  }

  get drifts(): readonly PageDrift[] {
    return this.#drifts;
  }

  /** Keys of the Services that have changed since `sequence`; undefined if that is no longer known. */
  changedSince(sequence: number): readonly string[] | undefined {
    if (sequence < this.#forgotten || sequence > this.#sequence) return undefined;
    return [...this.#changed].filter(([, changedAt]) => changedAt > sequence).map(([key]) => key);
  }

  /** The observer to give to a family's syncer, which passes everything on to `next`. */
  before(family: Family, next: SyncObserver): SyncObserver {
    let queuedAt: number | undefined;
    let beganAt = this.#elapsed();
    return {
      ...next,
      queued: () => {
        queuedAt ??= this.#elapsed();
        next.queued();
      },
      unaffected: () => {
        queuedAt = undefined;
        next.unaffected();
      },
      began: () => {
        beganAt = this.#elapsed();
        next.began();
      },
      succeeded: (result) => {
        const isFull = result.kind === 'full';
        const milliseconds = this.#elapsed() - (queuedAt ?? beganAt);
        queuedAt = undefined;
        this.#note(result.services);
        if (result.operations > 0) {
          const { operations, services } = result;
          const change = { at: this.#date(), family, milliseconds, operations, isFull };
          const told = { ...change, services: services.length, keys: services.slice(0, KEYS) };
          this.#changes = [told, ...this.#changes].slice(0, REMEMBERED);
          // A fill is not a change of the cluster, and takes seconds.
          if (!isFull) this.#ring.changed(milliseconds);
        }
        next.succeeded(result);
      },
      drifted: (drift, isNews) => {
        this.#drifted(family, drift);
        next.drifted(drift, isNews);
      },
      tableLost: () => {
        this.#remember(family, 'the table, or part of it, was removed');
        next.tableLost();
      },
    };
  }

  #drifted(family: Family, { message }: Drift): void {
    this.#remember(family, message);
  }

  #remember(family: Family, message: string): void {
    const drift = { at: this.#date(), family, message: message.slice(0, MAX_MESSAGE) };
    this.#drifts = [drift, ...this.#drifts].slice(0, REMEMBERED);
  }

  #note(services: readonly string[]): void {
    if (services.length === 0) return;
    this.#sequence++;
    for (const key of services.slice(-CHANGED_KEYS)) {
      this.#changed.delete(key);
      this.#changed.set(key, this.#sequence);
    }
    if (services.length > CHANGED_KEYS) this.#forgotten = this.#sequence;
    for (const [key, changedAt] of this.#changed) {
      if (this.#changed.size <= CHANGED_KEYS) break;
      this.#changed.delete(key);
      this.#forgotten = Math.max(this.#forgotten, changedAt);
    }
  }
}
