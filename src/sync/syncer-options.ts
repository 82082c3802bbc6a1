import type { DryRuns } from '../nft/dry-runs.ts';
import type { RulesLister } from '../nft/rules-lister.ts';
import type { HeartbeatPorts } from '../ruleset/program/heartbeat.ts';
import type { AuditBudget } from './audit-budget.ts';
import type { Clock } from './clock.ts';
import type { Commits } from './commits.ts';
import type { SyncObserver } from './observer.ts';
import type { Pace } from './pace.ts';

/** What a syncer goes by, besides its model; all have a default. */
export interface SyncerOptions {
  readonly observer?: SyncObserver;
  readonly clock?: Clock;
  /** Shared by the families. */
  readonly pace?: Pace;
  readonly commits?: Commits;
  readonly budget?: AuditBudget;
  readonly lister?: RulesLister;
  readonly dryRuns?: Pick<DryRuns, 'check'>;
  /** False: the kernel is only asked every five seconds whether our table and its hooks are there. */
  readonly watch?: boolean;
  /** Where heartbeats are to be led: `found` if that is free, where the kernel's rules do so already. Default: nowhere. */
  readonly heartbeatPorts?: (found?: HeartbeatPorts) => Promise<HeartbeatPorts | undefined>;
}
