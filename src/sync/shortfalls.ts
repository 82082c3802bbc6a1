import type { Log } from '../log.ts';
import {
  SHORTFALL_REASONS,
  type Shortfall,
  type ShortfallReason,
  type ShortfallSubject,
} from '../service/shortfall.ts';
import { ToldOnce } from './told-once.ts';

/** In each hour so many are worth an event. */
const EVENTS = 20;

export interface ShortfallsOptions {
  readonly log: Log;
  /** Told of some of them, too: for events. */
  readonly onShortfall?: ((shortfall: Shortfall) => void) | undefined;
  /** Milliseconds, from any start. */
  readonly now?: () => number;
}

/** Who reports → what it says. */
type Messages = Map<string, string>;

/**
 * What is not served now, or not as asked for, and why: the one place that those who hold something back report to. It
 * says so once for each object and reason: one line in the log and one event, so many an hour at most (all at `-v 2`).
 * Metrics and the control socket read it. A report costs the same however many there are.
 */
export class Shortfalls {
  readonly #log: Log;
  readonly #onShortfall: ShortfallsOptions['onShortfall'];
  readonly #told: ToldOnce;
  /** Reason → subject, as "kind key" → messages. */
  readonly #byReason: ReadonlyMap<ShortfallReason, Map<string, Messages>>;

  constructor({ log, onShortfall, now }: ShortfallsOptions) {
    this.#log = log;
    this.#onShortfall = onShortfall;
    this.#told = new ToldOnce({ log, now, enough: 'shortfalls were reported', events: EVENTS });
    this.#byReason = new Map(SHORTFALL_REASONS.map((reason) => [reason, new Map<string, Messages>()]));
  }

  /**
   * Sets what is not served of a subject for a reason; `message` undefined: nothing is held back for it (any more).
   * `from`: who says so ("ip", "ip6"); each reporter replaces its own words only.
   */
  report({ kind, key }: ShortfallSubject, reason: ShortfallReason, message: string | undefined, from = ''): void {
    const ofReason = this.#byReason.get(reason);
    const subject = `${kind} ${key}`;
    const known = ofReason?.get(subject);
    if (message === undefined) {
      if (known === undefined || !known.delete(from) || known.size > 0) return;
      ofReason?.delete(subject);
      this.#log.detail(1, `${subject}: no longer a shortfall (${reason})`);
      return;
    }
    if (known === undefined) ofReason?.set(subject, new Map([[from, message]]));
    else known.set(from, message);
    this.#tell({ kind, key, reason, message });
  }

  /** Forgets what a reporter said, which begins anew. Nothing is told again for that. */
  forget(from: string): void {
    for (const ofReason of this.#byReason.values()) {
      for (const [subject, messages] of ofReason) {
        if (messages.delete(from) && messages.size === 0) ofReason.delete(subject);
      }
    }
  }

  /** How many subjects have a shortfall for a reason. */
  count(reason: ShortfallReason): number {
    return this.#byReason.get(reason)?.size ?? 0;
  }

  /** What is not served of one subject, in the words of those who hold it back. */
  of(kind: ShortfallSubject['kind'], key: string): readonly string[] {
    return [...this.#byReason].flatMap(([reason, ofReason]) =>
      [...new Set(ofReason.get(`${kind} ${key}`)?.values() ?? [])].map((message) => `${message} (${reason})`),
    );
  }

  /** All of them, by reason and subject; one for each reason and subject. */
  *all(): Iterable<Shortfall> {
    for (const [reason, ofReason] of this.#byReason) {
      for (const [subject, messages] of ofReason) {
        const [kind = '', key = ''] = subject.split(' ');
        const message = [...new Set(messages.values())].join('; ');
        yield { kind: kind as Shortfall['kind'], key, reason, message };
      }
    }
  }

  #tell(shortfall: Shortfall): void {
    const { kind, key, reason, message } = shortfall;
    const line = () => `${kind} ${key}: ${message} (${reason})`;
    if (this.#told.tell(`${reason} ${kind} ${key}`, line)) this.#onShortfall?.(shortfall);
  }
}
