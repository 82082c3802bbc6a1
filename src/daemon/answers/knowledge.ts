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
  /** False while the kernel is being filled or mended, and before the source has delivered everything. */
  readonly inForce: boolean;
}

/** What answers are made from. */
export interface Knowledge {
  readonly models: readonly ModelInTable[];
  readonly cluster: Cluster;
  /** What is not served as it asks. */
  readonly shortfalls: Shortfalls;
  /** What is kept on the disk, and whether it is served from; absent where no daemon answers. */
  readonly state?: StateReport;
  /** How a daemon is, for `status`; `look`: it is to compare the kernel with the model now. Absent where none answers. */
  readonly status?: (look: boolean) => Status;
  /** New connections as the kernel has counted them; absent where no daemon answers. */
  readonly connections?: (withFrontends: boolean) => Promise<Connections>;
  /** Present where all is known from the kernel alone: what stands for the flags, of which it knows nothing. */
  readonly inKernel?: Pick<Arguments, 'podCidrs' | 'detectLocal' | 'nodePortAddresses'>;
  /** Where it comes from, for people: "the running daemon (pid 7), from manifests in /etc/…". */
  readonly origin: string;
}
