import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../sync/clock.ts';
import type { HeartbeatSockets } from './heartbeat-sockets.ts';
import { LookPace } from './look-pace.ts';

/** What a beat showed. */
export type HeartbeatOutcome =
  /** It was led through our rules. */
  | 'well'
  /** It met none of our rules, and neither did a second one: they are gone, or something leads packets past them. */
  | 'lost'
  /** It did not arrive. Nothing follows from that: a foreign firewall, a full conntrack table, no CPU. */
  | 'unknown';

export const HEARTBEAT_OUTCOMES: readonly HeartbeatOutcome[] = ['well', 'lost', 'unknown'];

export interface HeartbeatOptions {
  readonly family: Family;
  readonly sockets: Pick<HeartbeatSockets, 'beat' | 'forget' | 'giveUp' | 'isBeating'>;
  /** True while a table of ours is in force that leads heartbeats on. */
  readonly isInForce: () => boolean;
  /** Has the kernel looked at, now. */
  readonly look: (reason: string) => void;
  readonly onOutcome?: (outcome: HeartbeatOutcome) => void;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
}

/** So many beats in a row that are not well are told of: ten seconds. */
const TELL_AFTER = 20;

/** Milliseconds from one warning of a kind to the next at least. */
const HOLD_DOWN = 60_000;

const REASONS = {
  lost: 'a heartbeat met none of our rules',
  unknown: 'a heartbeat did not arrive',
} as const;

/**
 * The heartbeat of one family: what became of each beat, and what is done about it. It proves that a packet of this node
 * passes nat-output, dispatch, a map and a pick chain, and nothing else; so it only ever leads to a look at the kernel.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #pace = new LookPace();
  /** Beats in a row that were not well. */
  #bad = 0;
  readonly #warned = { lost: Number.NEGATIVE_INFINITY, unknown: Number.NEGATIVE_INFINITY };
  /** True if the log says that beats are not well. */
  #isTold = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Ends the beat before, and sends the next. `isLate`: this process had no CPU to take a beat, or something held it up. */
  beat(isLate: boolean): void {
    const { sockets, isInForce } = this.#options;
    if (isLate || !isInForce()) sockets.forget();
    else {
      sockets.giveUp();
      this.#send();
    }
  }

  #send(isSecond = false): void {
    const { sockets, isInForce } = this.#options;
    sockets.beat((where) => {
      if (!isInForce()) return;
      if (where === 'back') this.#ended('well');
      else if (where === 'nowhere') this.#ended('unknown');
      // Its source port may be one that conntrack still knows.
      else if (isSecond) this.#ended('lost');
      else this.#send(true);
    });
  }

  #ended(outcome: HeartbeatOutcome): void {
    this.#options.onOutcome?.(outcome);
    if (outcome === 'well') {
      this.#pace.good();
      this.#recovered();
      return;
    }
    const { look, clock } = this.#options;
    this.#bad++;
    this.#tell(outcome);
    if (this.#pace.bad(clock.now())) look(REASONS[outcome]);
  }

  #recovered(): void {
    const { log, family } = this.#options;
    if (this.#isTold) log.info('heartbeats reach our rules again', { family });
    this.#bad = 0;
    this.#isTold = false;
  }

  /** What is certain at once; the rest once it lasts, and when a look has had its time. */
  #tell(outcome: 'lost' | 'unknown'): void {
    const { log, family, clock } = this.#options;
    const isFirst = outcome === 'lost' && this.#bad === 1;
    if (!isFirst && this.#bad !== TELL_AFTER) return;
    const now = clock.now();
    if (isFirst && now - this.#warned.lost < HOLD_DOWN) return;
    if (!isFirst && now - this.#warned.unknown < HOLD_DOWN) return;
    this.#warned[isFirst ? 'lost' : 'unknown'] = now;
    this.#isTold = true;
    if (isFirst) log.warn('a heartbeat met none of our rules: checking whether they exist', { family });
    else if (outcome === 'lost') log.warn(PASSED_BY, { family });
    else log.warn(SILENT, { family });
  }
}

const PASSED_BY =
  'heartbeats still meet none of our rules. If a check finds the rules in place, another program leads loopback past ' +
  'them (notrack), and heartbeats are of no use on this node; --heartbeat=false switches them off';

const SILENT =
  'heartbeats do not arrive: another program drops UDP on loopback, the conntrack table is full, or our rules drop what ' +
  'they should not; the kernel is checked from time to time';
