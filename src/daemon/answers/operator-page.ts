import type { Arguments } from '../../config/arguments.ts';
import { ChangeLog } from '../../page/change-log.ts';
import { ConnectionRates } from '../../page/connection-rates.ts';
import { Page } from '../../page/page.ts';
import { pageState } from '../../page/page-state.ts';
import { StepRing } from '../../page/step-ring.ts';
import type { Connections } from '../../status/connections.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import type { LimitsWatch } from '../../sync/limits-watch.ts';
import type { SyncObserver } from '../../sync/observer.ts';
import type { Knowledge } from './knowledge.ts';
import type { BriefStatus } from './status-answer.ts';
import { pageTrace } from './trace/page-trace.ts';

export interface OperatorPageOptions {
  readonly args: Pick<
    Arguments,
    'page' | 'resetGoneEndpoints' | 'resetsLackRules' | 'podCidrs' | 'detectLocal' | 'nodePortAddresses'
  >;
  readonly known: () => Knowledge;
  readonly brief: () => BriefStatus;
  /** Reads the kernel's counters of connections. */
  readonly connections: () => Promise<Connections>;
  /** How many connections the limits of a Service had refused when the kernel was last read. */
  readonly limitCounts: LimitsWatch['countsOf'];
}

/** The operator's page, and how it learns of changes. */
export interface OperatorPage {
  /** Undefined with --page=false. */
  readonly page: Page | undefined;
  /** The observer to give to a family's syncer, which passes everything on to `next`. */
  before(model: Pick<FamilyModel, 'family'>, next: SyncObserver): SyncObserver;
}

/** The page of a daemon. */
export function operatorPage({ args, known, brief, connections, limitCounts }: OperatorPageOptions): OperatorPage {
  if (!args.page) return { page: undefined, before: (_, next) => next };
  const ring = new StepRing();
  const changes = new ChangeLog({ ring });
  const page = new Page({
    listed: () => {
      const { cluster, shortfalls, models } = known();
      return { cluster, shortfalls, limitCounts, models: models.map(({ model }) => model), resets: args };
    },
    state: () => pageState(brief(), changes),
    changes,
    ring,
    rates: new ConnectionRates({ read: connections, ring }),
    trace: (request) => pageTrace(request, known(), args),
  });
  return { page, before: ({ family }, next) => changes.before(family, next) };
}
