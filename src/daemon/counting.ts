import type { Arguments } from '../config/arguments.ts';
import { possibleCpus } from '../host/cpus.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { CountingBudget } from '../ruleset/model/counting-budget.ts';
import type { Cluster } from '../service/cluster.ts';
import { ConnectionReader } from '../status/connection-reader.ts';
import type { Connections, LimitedService } from '../status/connections.ts';
import { SYSTEM_CLOCK } from '../sync/clock.ts';
import type { Commits } from '../sync/commits.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import type { FamilySyncer } from '../sync/family-syncer.ts';
import type { LimitsWatch } from '../sync/limits-watch.ts';

/** Bytes of kernel memory that counting may take. */
const MOST_MEMORY = 32 * 2 ** 20;

/**
 * Bytes that an element with a counter takes: its own, with a comment of the usual length (an estimate, kernel 6.18), and
 * those of the counter of each CPU.
 */
const ELEMENT = 192;
const COUNTER = 16;

/** How many elements may have a counter on a machine with this many CPUs. */
function countingElements(cpus: number): number {
  return Math.floor(MOST_MEMORY / (ELEMENT + cpus * COUNTER));
}

/** Decides whether to count connections, and logs a line when that changes. */
export function countingBudget(log: Log): CountingBudget {
  const budget = new CountingBudget(countingElements(possibleCpus()));
  budget.tell((isOn) => log.info(isOn ? COUNTED : notCounted(budget), { frontends: budget.frontends }));
  return budget;
}

const COUNTED = 'new connections are counted again: there are few enough frontends';

/** Why connections are not counted, as text. */
function notCounted({ most }: CountingBudget): string {
  const mebibytes = MOST_MEMORY / 2 ** 20;
  return (
    `new connections are not counted, because that would take more than ${mebibytes} MiB of kernel memory ` +
    `(${most} counters on this machine)`
  );
}

interface CountedConnectionsOptions {
  readonly args: Pick<Arguments, 'runDir' | 'connectionCounters'>;
  readonly cluster: Cluster;
  readonly members: readonly { readonly model: FamilyModel; readonly syncer: FamilySyncer }[];
  readonly commits: Commits;
  readonly counting: CountingBudget | undefined;
  readonly limits: Pick<LimitsWatch, 'counts'>;
}

/** The daemon's answer to /connections. From now on, its syncers also add or remove counters when that changes. */
export function countedConnections(
  options: CountedConnectionsOptions,
): (withFrontends: boolean) => Promise<Connections> {
  const { args, cluster, members, commits, counting, limits } = options;
  // Not while a transaction is being built.
  const planAnew = () => {
    for (const { syncer } of members) syncer.nodeChanged();
  };
  counting?.tell(() => setImmediate(planAnew));
  const families = members.map(({ model, syncer }) => ({
    model,
    nft: createNft(args.runDir, `${model.family}-connections`),
    table: () => syncer.table,
  }));
  const whyNot = () => {
    if (!args.connectionCounters) return 'new connections are not counted: --connection-counters=false';
    return counting?.isOn === false ? notCounted(counting) : undefined;
  };
  const reader = new ConnectionReader({ cluster, families, commits, clock: SYSTEM_CLOCK, whyNot });
  return async (withFrontends) => {
    const [connections, counts] = await Promise.all([reader.read(withFrontends), limits.counts()]);
    if (counts.size === 0) return connections;
    const limited = [...counts].map(([key, own]): LimitedService => {
      const [namespace = '', service = ''] = key.split('/');
      return { namespace, service, ...own };
    });
    return { ...connections, limited };
  };
}
