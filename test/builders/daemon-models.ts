import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { asConfigured } from '../../src/daemon/as-configured.ts';
import { createModels } from '../../src/daemon/models.ts';
import { FAMILIES, type Family } from '../../src/ip.ts';
import { decodeObject, type Kind, type KubeObject } from '../../src/objects/decode.ts';
import { Cluster } from '../../src/service/cluster.ts';
import type { ClaimConflict } from '../../src/service/frontend-claims.ts';
import { Shortfalls, type ShortfallsOptions } from '../../src/sync/shortfalls.ts';
import { applyChange, type ClusterChange } from './models.ts';
import { NODE_NAME } from './objects.ts';
import { recordingLog } from './recording-log.ts';

export interface DaemonModelsOptions extends Omit<ShortfallsOptions, 'log'> {
  /** As on the command line; default: this node's name. */
  readonly flags?: readonly string[];
  readonly families?: readonly Family[];
  readonly objects?: readonly KubeObject[];
  /** What nf_conntrack_tcp_loose is taken for. Default: what it is where the test runs. */
  readonly isTcpLoose?: boolean;
  readonly onConflict?: (conflict: ClaimConflict) => void;
}

/** The models that a daemon makes of its flags, after a start where the kernel has nothing. */
export function daemonModels(options: DaemonModelsOptions = {}) {
  const { flags = [], families = FAMILIES, objects = [], isTcpLoose, ...told } = options;
  const read = parseArguments(['--manifests', 'x', '--hostname-override', NODE_NAME, ...flags]);
  const resetUnknown = isTcpLoose === undefined ? read.resetUnknown : read.resetGoneEndpoints && !isTcpLoose;
  const lacking = isTcpLoose === undefined ? read.resetsLackRules : !read.resetGoneEndpoints && !isTcpLoose;
  const args = { ...read, resetUnknown, resetsLackRules: lacking };
  const { log, lines } = recordingLog();
  const shortfalls = new Shortfalls({ log, ...told });
  const cluster = new Cluster(args.nodeName, args);
  for (const object of objects) cluster.set(object);
  const models = createModels(cluster, families, args, log, told.onConflict, shortfalls);
  for (const model of models) model.restart([]);
  return {
    args,
    cluster,
    models,
    log,
    lines,
    shortfalls,
    /** Has the cluster change; returns the Services concerned. */
    apply: (change: ClusterChange) => {
      const keys = applyChange(cluster, change);
      for (const model of models) for (const key of keys) model.markDirty(key);
      return keys;
    },
    /** What is kept of an object as an API server or a manifest has it. @throws if it is not valid */
    decode: (kind: Kind, raw: object): KubeObject => {
      const decoded = decodeObject(kind, raw);
      if (decoded.object === undefined) throw new Error(decoded.problem);
      return asConfigured(decoded.object, args);
    },
    /** Takes all transactions that are due. */
    drain: () => {
      for (const model of models) while (model.isDirty) model.nextTransaction();
    },
  };
}
