import type { Log } from '../log.ts';
import type { Nft } from '../nft/nft.ts';
import type { TableName } from '../nft/tables.ts';
import type { Clock } from './clock.ts';
import type { DriftReports } from './drift-reports.ts';
import type { FamilyModel } from './family-model.ts';
import type { Flights } from './flights.ts';
import type { Mends } from './mends.ts';
import type { SyncObserver } from './observer.ts';

/** What both those who compare rules and those who compare elements of a family need. */
export interface WatchOptions {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly log: Log;
  readonly clock: Clock;
  readonly reports: DriftReports;
  readonly observer: Pick<SyncObserver, 'verified' | 'compared' | 'noticesDeletions' | 'audited'>;
  readonly flights: Flights;
  /** The table in force; undefined while there is none that can be compared with the model. */
  readonly table: () => TableName | undefined;
  /** Called when our table could not be found. */
  readonly onMissing: () => void;
  /** Takes what is to be mended. */
  readonly mends: Mends;
  /** Called when there is something new in it. */
  readonly onMends: () => void;
}

/** The same, and what belongs to both of them together. */
export interface LooksOptions extends WatchOptions {
  /** False while somebody else undoes again and again what we mend, see Fights. */
  readonly mayMend: (key: string) => boolean;
  /** Called when something differs: everything is to be looked at. */
  readonly onDifference: () => void;
}
