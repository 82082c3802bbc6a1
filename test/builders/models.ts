import { buildProgram } from '../../src/ruleset/program.ts';
import { sizeOf } from '../../src/ruleset/transaction.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import { FamilyModel, type ModelSettings } from '../../src/sync/family-model.ts';
import { Shortfalls } from '../../src/sync/shortfalls.ts';
import { networks } from './networks.ts';
import { recordingLog } from './recording-log.ts';

export const PROGRAM = buildProgram('ip', {});

/** A model of IPv4 that has just begun. `drain` takes all its transactions and gives their sizes. */
export function modelOf(cluster: Cluster, settings: Partial<ModelSettings> = {}) {
  const { log, lines } = recordingLog();
  const shortfalls = new Shortfalls({ log });
  const model = new FamilyModel(
    cluster,
    { program: PROGRAM, networks: () => networks([], []), shortfalls, ...settings },
    log,
  );
  model.restart([]);
  const drain = () => {
    const sizes: number[] = [];
    do sizes.push(sizeOf(model.nextTransaction()));
    while (model.isDirty);
    return sizes;
  };
  return { model, lines, shortfalls, drain };
}
