import type { Arguments } from '../../config/arguments.ts';
import type { TableName } from '../../nft/tables.ts';
import type { Cluster } from '../../service/cluster.ts';
import type { Connections } from '../../status/connections.ts';
import type { Status } from '../../status/status.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import type { Shortfalls } from '../../sync/shortfalls.ts';
import type { StateReport } from '../last-state.ts';
/** A model and the table it stands for. */
export interface ModelInTable {
  readonly model: Pick<FamilyModel, 'family' | 'program' | 'ruleset' | 'frontendsOf' | 'isPending'>;
  readonly table: TableName;
  /** False while the kernel is being filled or repaired, and before the source has delivered everything. */
  readonly inForce: boolean;
}

/** The data for answers. */
export interface Knowledge {
  readonly models: readonly ModelInTable[];
  readonly cluster: Cluster;
  /** What is not served as specified. */
  readonly shortfalls: Shortfalls;
  /** The saved state on the disk, and whether it is served from; absent without a daemon. */
  readonly state?: StateReport;
  /** The state of a daemon, for `status`. `look`: compare the kernel with the model now. Absent without a daemon. */
  readonly status?: (look: boolean) => Status;
  /** The kernel's counts of new connections; absent without a daemon. */
  readonly connections?: (withFrontends: boolean) => Promise<Connections>;
  /** Present if everything was read from the kernel: replaces the flags, which the kernel does not know. */
  readonly inKernel?: Pick<Arguments, 'podCidrs' | 'detectLocal' | 'nodePortAddresses'>;
  /** Where it comes from, for people: "the running daemon (pid 7), from manifests in /etc/…". */
  readonly origin: string;
}
