import type { Arguments } from '../config/arguments.ts';
import type { ProxyHealth } from '../health/proxy-health.ts';
import type { Heartbeat } from '../heartbeat/heartbeat.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { DryRuns } from '../nft/dry-runs.ts';
import { createNft, type Nft } from '../nft/nft.ts';
import { RulesLister } from '../nft/rules-lister.ts';
import type { SessionKeeper } from '../nft/session-keeper.ts';
import { SyncRecord } from '../status/sync-record.ts';
import { AuditBudget } from '../sync/audit-budget.ts';
import { SYSTEM_CLOCK } from '../sync/clock.ts';
import type { Commits } from '../sync/commits.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { FamilySyncer } from '../sync/family-syncer.ts';
import type { SyncObserver } from '../sync/observer.ts';
import { Pace } from '../sync/pace.ts';
import type { OperatorPage } from './answers/operator-page.ts';
import { heartbeatOf } from './family-heartbeat.ts';
import type { Followers } from './followers/followers.ts';
import type { MemorySaver } from './memory-saver.ts';
import type { OthersWatch } from './watches/others-watch.ts';

/** What the daemon has for each IP family. */
export interface Member {
  readonly model: FamilyModel;
  readonly syncer: FamilySyncer;
  readonly record: SyncRecord;
  /** Absent with --heartbeat=false. */
  readonly heart: Heartbeat | undefined;
}

export interface MembersOptions {
  readonly args: Pick<Arguments, 'runDir' | 'heartbeat' | 'noWatch' | 'transactionInterval'>;
  readonly models: readonly FamilyModel[];
  /** One long-lived nft serves all families. */
  readonly sessions: SessionKeeper;
  readonly commits: Commits;
  readonly followers: Followers;
  readonly operator: OperatorPage;
  readonly health: ProxyHealth;
  readonly metrics: Metrics;
  readonly memory: MemorySaver;
  readonly others: OthersWatch;
  readonly onTransaction: () => void;
  readonly log: Log;
}

/** A syncer for each model, with its listeners. */
export function createMembers(options: MembersOptions): readonly Member[] {
  const { args, models, sessions, commits, followers, operator, health, metrics, memory, others, log } = options;
  const dryRuns = new DryRuns({ nft: 'nft', runDir: args.runDir, log });
  const shared = {
    budget: new AuditBudget(),
    lister: new RulesLister(),
    pace: new Pace(SYSTEM_CLOCK, args.transactionInterval),
    watch: !args.noWatch,
    dryRuns,
    commits,
  };
  const members: readonly Member[] = models.map((model) => {
    const { family } = model;
    const nft = counted(createNft(args.runDir, family, 'nft', sessions), options.onTransaction, () =>
      health.worked(family),
    );
    const follower = followers.observer(model);
    const othersChangedUs = () => {
      others.drifted();
      // Whatever removed something of ours may have done the same in the other family.
      for (const { syncer } of members.filter((member) => member.model !== model)) {
        syncer.look('somebody changed our table of the other family');
      }
    };
    const watched: SyncObserver = {
      ...follower,
      succeeded: (result) => {
        follower.succeeded(result);
        memory.worked(result.operations);
      },
      tableLost: () => {
        follower.tableLost();
        othersChangedUs();
      },
      drifted: (drift, isNews) => {
        follower.drifted(drift, isNews);
        othersChangedUs();
      },
    };
    const heartbeat = args.heartbeat && !args.noWatch ? heartbeatOf(family, log, metrics) : undefined;
    const record = new SyncRecord();
    const observer = operator.before(model, record.before(watched));
    const ports = heartbeat && { heartbeatPorts: heartbeat.claim };
    const syncer = new FamilySyncer(model, nft, log, { observer, ...shared, ...ports });
    return { model, syncer, record, heart: heartbeat?.heartFor(syncer) };
  });
  return members;
}

/** Wraps nft to report its transactions: each success, and each end, whatever the result. */
function counted(nft: Nft, onSuccess: () => void, onEnd: () => void): Nft {
  return {
    ...nft,
    apply: async (json) => {
      try {
        await nft.apply(json);
        onSuccess();
      } finally {
        onEnd();
      }
    },
  };
}
