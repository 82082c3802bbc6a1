import type { DryRuns } from '../nft/dry-runs.ts';
import type { RulesLister } from '../nft/rules-lister.ts';
import type { HeartbeatPorts } from '../ruleset/program/heartbeat.ts';
import type { AuditBudget } from './audit-budget.ts';
import type { Clock } from './clock.ts';
import type { Commits } from './commits.ts';
import type { SyncObserver } from './observer.ts';
import type { Pace } from './pace.ts';

/** Options of a syncer besides its model. All have a default. */
export interface SyncerOptions {
  readonly observer?: SyncObserver;
  readonly clock?: Clock;
  /** Shared by the families. */
  readonly pace?: Pace;
  readonly commits?: Commits;
  readonly budget?: AuditBudget;
  readonly lister?: RulesLister;
  readonly dryRuns?: Pick<DryRuns, 'check'>;
  /** False: the daemon only checks every five seconds that our table and its hooks exist. */
  readonly watch?: boolean;
  /**
   * Which ports heartbeats use: `found`, where the rules in the kernel lead them already, if it is free. Default: no
   * heartbeats.
   */
  readonly heartbeatPorts?: (found?: HeartbeatPorts) => Promise<HeartbeatPorts | undefined>;
}
