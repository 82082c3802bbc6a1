import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../src/ip.ts';
import type { NetworkSet } from '../../src/ruleset/model/ruleset.ts';
import type { ProgramOptions } from '../../src/ruleset/program/program.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import type { FamilyModel } from '../../src/sync/family-model.ts';
import { eventually } from '../builders/eventually.ts';
import { startSyncer } from '../builders/syncers.ts';
import type { TestKernel } from '../netns/kernel.ts';
import { POD_CIDRS } from './example-cluster.ts';
import { type NftVersion, nftOf } from './nft-version.ts';

/** A daemon's half for one family, at work in a kernel by one nft. */
export interface RunningProxy {
  readonly family: Family;
  readonly model: FamilyModel;
  /** Log lines, without time and process. */
  readonly lines: readonly string[];
  /** The table in force. */
  table(): string;
  /** Passes changed Services on and waits until they are in force. */
  change(serviceKeys: readonly string[]): Promise<void>;
  /** Fails unless one live table is there, with the model's elements, chains and sets, by the listing of `reader`. */
  assertInSync(reader?: NftVersion): Promise<void>;
  /** Documents that nft was given since the start. */
  writes(): number;
  stop(): void;
}

/** A test plays three faults at most, and each is repaired at the second attempt. */
const MOST_FAILURES = 8;

export interface ProxyOptions {
  readonly options?: ProgramOptions;
  /** As --max-affinity-endpoints has it; its default by default. */
  readonly affinityLimit?: number;
  /** True with --node-port-source-ranges. */
  readonly closesNodePorts?: boolean;
  /** Those of the node, beside POD_CIDRS. */
  readonly nodeNetworks?: Partial<Readonly<Record<NetworkSet, readonly string[]>>>;
}

/** Starts a proxy and waits until everything is in force. */
export async function startProxy(
  version: NftVersion,
  kernel: TestKernel,
  family: Family,
  cluster: Cluster,
  {
    options = { localPods: { by: 'pod-cidrs' }, connectionCounters: true },
    nodeNetworks,
    ...limits
  }: ProxyOptions = {},
): Promise<RunningProxy> {
  const calls = join(kernel.directory, 'calls');
  const countWrites = () => (existsSync(calls) ? readFileSync(calls, 'utf8').split(' -f ').length : 1);
  const writesBefore = countWrites();
  const nft = nftOf(version, kernel, family, `echo "$@" >> ${calls}`);
  const settings = { program: options, networks: { 'pod-cidrs': POD_CIDRS[family], ...nodeNetworks }, ...limits };
  const { model, syncer, lines, assertInSync, stop } = startSyncer(nft, cluster, { family, model: settings });
  const inSync = async () => {
    let reached = false;
    void syncer.whenInSync().then(() => {
      reached = true;
    });
    const failures = () => lines.filter((line) => line.startsWith('E a transaction failed')).length;
    await eventually(
      () => reached || failures() > MOST_FAILURES,
      () => lines.join('\n'),
    );
    if (reached) return;
    syncer.stop();
    assert.fail(`it never comes about: ${lines.join('\n')}`);
  };
  await inSync();
  return {
    family,
    model,
    lines,
    table: () => syncer.table ?? assert.fail('no table is in force'),
    async change(serviceKeys) {
      syncer.changed(serviceKeys);
      await inSync();
    },
    assertInSync: (reader = version) => assertInSync(nftOf(reader, kernel, family)),
    writes: () => countWrites() - writesBefore,
    stop: () => void stop(),
  };
}

/** Starts one over a table that is in force already; fails if it writes anything. */
export async function adopt(
  version: NftVersion,
  kernel: TestKernel,
  family: Family,
  cluster: Cluster,
  options: ProxyOptions = {},
): Promise<RunningProxy> {
  const proxy = await startProxy(version, kernel, family, cluster, options);
  assert.match(proxy.lines.join('\n'), /(^|\n)I the rules of the last run are in force and up to date .*written=0$/);
  assert.equal(proxy.writes(), 0, proxy.lines.join('\n'));
  return proxy;
}

/** Fails if anything went wrong on the way; that clients are chosen for by a hash is no fault, nor what `more` finds. */
export function assertNoComplaints(proxy: RunningProxy, more = /\(affinity-by-hash\)/): void {
  assert.deepEqual(
    proxy.lines.filter((line) => !line.startsWith('I') && !more.test(line)),
    [],
  );
}
