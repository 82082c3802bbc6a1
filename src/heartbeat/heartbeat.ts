import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../sync/clock.ts';
import type { HeartbeatSockets } from './heartbeat-sockets.ts';
import { LookPace } from './look-pace.ts';

/** The result of a heartbeat. */
export type HeartbeatOutcome =
  /** Our rules led it to its destination. */
  | 'well'
  /** It met none of our rules, and neither did a second one: they are gone, or something makes packets bypass them. */
  | 'lost'
  /**
   * It did not arrive. This proves nothing: the reason may be another program's firewall, a full conntrack table, or no CPU
   * time.
   */
  | 'unknown';

export const HEARTBEAT_OUTCOMES: readonly HeartbeatOutcome[] = ['well', 'lost', 'unknown'];

export interface HeartbeatOptions {
  readonly family: Family;
  readonly sockets: Pick<HeartbeatSockets, 'beat' | 'forget' | 'giveUp' | 'isBeating'>;
  /** True while a table of ours is in force that leads heartbeats on. */
  readonly isInForce: () => boolean;
  /** Checks the kernel now. */
  readonly look: (reason: string) => void;
  readonly onOutcome?: (outcome: HeartbeatOutcome) => void;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
}

/** After this many failed heartbeats in a row there is a warning: ten seconds. */
const TELL_AFTER = 20;

/** The minimum number of milliseconds between two warnings of a kind. */
const HOLD_DOWN = 60_000;

const REASONS = {
  lost: 'a heartbeat met none of our rules',
  unknown: 'a heartbeat did not arrive',
} as const;

/**
 * The heartbeat of one family: the result of each, and the reaction to it. A heartbeat proves only that a packet of this
 * node passes nat-output, dispatch, a map and a pick chain. So a failure only leads to a check of the kernel.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #pace = new LookPace();
  /** Heartbeats in a row that failed. */
  #bad = 0;
  readonly #warned = { lost: Number.NEGATIVE_INFINITY, unknown: Number.NEGATIVE_INFINITY };
  /** True if the log says that heartbeats fail. */
  #isTold = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /**
   * Ends the previous heartbeat, and sends the next. `isLate`: this process had no CPU time to receive one, or was held up.
   */
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
      // conntrack may still know its source port.
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

  /** A certain result is reported at once. Others are reported if they persist, when a check has had its time. */
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
