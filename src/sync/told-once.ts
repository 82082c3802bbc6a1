import type { Log } from '../log.ts';
import { HourlyRoom } from './hourly-room.ts';
import { Remembered } from './remembered.ts';

/** At most this many warnings an hour. */
const WARNINGS = 100;

/** How much is remembered so as not to report it twice. Beyond that, the namespace with the most forgets its oldest. */
const MAX_REMEMBERED = 1000;

export interface ToldOnceOptions {
  readonly log: Log;
  /** Of what no more warnings come, after the number of them: "conflicts of Services were reported". */
  readonly enough: string;
  /** At most this many events an hour. */
  readonly events: number;
  /** Milliseconds from any origin. */
  readonly now?: (() => number) | undefined;
}

/**
 * Warns of each thing once, and only so many times an hour (all are logged at `-v 2`): tenants can cause warnings as fast as
 * the API server accepts objects. One namespace cannot use up what is for the others.
 */
export class ToldOnce {
  readonly #options: ToldOnceOptions;
  readonly #told = new Remembered(MAX_REMEMBERED);
  readonly #warnings: HourlyRoom;
  readonly #events: HourlyRoom;

  constructor(options: ToldOnceOptions) {
    this.#options = options;
    const now = options.now ?? (() => performance.now());
    this.#warnings = new HourlyRoom(WARNINGS, now);
    this.#events = new HourlyRoom(options.events, now);
  }

  /**
   * Reports a thing. `namespace`: whose it is; undefined for what belongs to none. Returns true if it is worth an event.
   */
  tell(key: string, describe: () => string, namespace?: string): boolean {
    if (!this.#told.add(namespace ?? '', key)) return false;
    this.#warn(describe, namespace);
    const place = this.#events.take(namespace);
    return place === 'given' || place === 'last';
  }

  #warn(describe: () => string, namespace: string | undefined): void {
    const { log, enough } = this.#options;
    const place = this.#warnings.take(namespace);
    if (place === 'given' || place === 'last') log.warn(describe());
    else log.detail(2, describe());
    if (place === 'last') log.warn(`${WARNINGS} ${enough}; further ones in this hour are logged only at -v 2`);
    if (place === 'share-ended' && namespace !== undefined) {
      const number = this.#warnings.usedBy(namespace);
      log.warn(
        `${number} ${enough} in namespace ${namespace} alone; further ones there in this hour are logged only at -v 2`,
      );
    }
  }
}

/** The namespace in a key of the form "namespace/name"; undefined for "name", of an object without one. */
export function namespaceIn(key: string): string | undefined {
  const end = key.indexOf('/');
  return end < 0 ? undefined : key.slice(0, end);
}
