import type { Log } from '../log.ts';
import {
  SHORTFALL_REASONS,
  type Shortfall,
  type ShortfallReason,
  type ShortfallSubject,
} from '../service/shortfall.ts';
import { namespaceIn, ToldOnce } from './told-once.ts';

/** At most this many events an hour. */
const EVENTS = 20;

export interface ShortfallsOptions {
  readonly log: Log;
  /** Called for some of the shortfalls, which become events. */
  readonly onShortfall?: ((shortfall: Shortfall) => void) | undefined;
  /** Milliseconds from any origin. */
  readonly now?: () => number;
}

/** Reporter → its message. */
type Messages = Map<string, string>;

/**
 * What is not served now, or not as specified, and why. Everything that holds something back reports here. Each object and
 * reason is reported once: with one line in the log and one event, up to a number an hour (all of them at `-v 2`), of which
 * one namespace gets a part. Metrics and the control socket read it. The cost of a report does not depend on their number.
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
   * Sets what is not served of a subject for a reason. `message` undefined: there is no shortfall (any more). `from`: the
   * reporter ("ip", "ip6"). Each reporter replaces only its own messages.
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

  /** Forgets the messages of a reporter that starts again. They are not reported again. */
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

  /** The messages about one subject. */
  of(kind: ShortfallSubject['kind'], key: string): readonly string[] {
    return [...this.#byReason].flatMap(([reason, ofReason]) =>
      [...new Set(ofReason.get(`${kind} ${key}`)?.values() ?? [])].map((message) => `${message} (${reason})`),
    );
  }

  /** All shortfalls: one for each reason and subject. */
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
    if (this.#told.tell(`${reason} ${kind} ${key}`, line, namespaceIn(key))) this.#onShortfall?.(shortfall);
  }
}
