import type { Log } from '../log.ts';
import type { Nft } from '../nft/nft.ts';
import type { TableName } from '../nft/tables.ts';
import type { Clock } from './clock.ts';
import type { DriftReports } from './drift-reports.ts';
import type { FamilyModel } from './family-model.ts';
import type { Flights } from './flights.ts';
import type { SyncObserver } from './observer.ts';
import type { Repairs } from './repairs.ts';

/** What is needed to compare rules, and to compare elements, of a family. */
export interface WatchOptions {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly log: Log;
  readonly clock: Clock;
  readonly reports: DriftReports;
  readonly observer: Pick<SyncObserver, 'verified' | 'compared' | 'noticesDeletions' | 'audited'>;
  readonly flights: Flights;
  /** The table in force; undefined while none can be compared with the model. */
  readonly table: () => TableName | undefined;
  /** Called when our table could not be found. */
  readonly onMissing: () => void;
  /** Receives what is to be repaired. */
  readonly repairs: Repairs;
  /** Called when there is something new to repair. */
  readonly onRepairs: () => void;
}

/** The same, with what both share. */
export interface LooksOptions extends WatchOptions {
  /** False while somebody else keeps undoing what we repair, see Fights. */
  readonly mayRepair: (key: string) => boolean;
  /** Called when something differs: everything is to be compared. */
  readonly onDifference: () => void;
}
