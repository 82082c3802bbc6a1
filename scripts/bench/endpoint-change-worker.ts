/** In a network namespace of its own: a filled table in which one Service's endpoints change. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNft, type Nft } from '../../src/nft/nft.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import type { FamilySyncer } from '../../src/sync/family-syncer.ts';
import { bareNft } from './bare-nft.ts';
import { changeDocument, elementOperations } from './change-document.ts';
import { CHANGES, type ChangeDone, type Writer } from './changes.ts';
import { Slots } from './slots.ts';
import { syncerOf } from './syncer.ts';
import {
  type ClusterSize,
  clusterIp,
  podAddress,
  podAddresses,
  serviceKey,
  sliceOf,
  syntheticCluster,
} from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** Milliseconds between two changes, so that each finds everything idle. */
const PAUSE = 5;

interface State {
  readonly cluster: Cluster;
  readonly syncer: FamilySyncer;
  readonly size: ClusterSize;
  readonly path: string;
  /** What our syncer has sent since the last change began. */
  readonly sent: string[];
  /** Slots of the Services touched so far. */
  readonly slots: Map<number, Slots>;
  /** Number of the next pod that is not in use. */
  nextPod: number;
}

let state: State | undefined;

const handlers = {
  /** Makes the cluster and fills the table. */
  async fill({ size, directory }: { size: ClusterSize; directory: string }): Promise<void> {
    const cluster = syntheticCluster(size);
    const sent: string[] = [];
    const name = `changes-${size.services}`;
    const syncer = syncerOf(cluster, recording(createNft(directory, name), sent));
    void syncer.run();
    await syncer.whenInSync();
    const path = join(directory, `${name}-bare.json`);
    const nextPod = size.services * size.endpoints;
    state = { cluster, syncer, size, path, sent, slots: new Map(), nextPod };
  },

  /**
   * Makes all CHANGES in turn on a Service and returns how they went. A Service must have the same writer ever after:
   * our model knows nothing of what bare commands write. `turn` varies which endpoint is removed.
   */
  async change({ service, turn, writer }: { service: number; turn: number; writer: Writer }): Promise<ChangeDone[]> {
    if (state === undefined) throw new Error('not filled yet');
    const { slots, size } = state;
    const ofService = slots.get(service) ?? new Slots(podAddresses(service, size));
    slots.set(service, ofService);
    const done: ChangeDone[] = [];
    for (const change of CHANGES) {
      const before = [...ofService.addresses];
      if (change.startsWith('added')) ofService.add(podAddress(state.nextPod++));
      else ofService.remove(turn % before.length);
      await sleep(PAUSE);
      done.push(
        writer === 'ours'
          ? await changeByUs(state, service, ofService.addresses)
          : await changeByHand(state, service, before, ofService.addresses, writer),
      );
    }
    return done;
  },
};

export type EndpointChangeHandlers = typeof handlers;

async function changeByUs(
  { cluster, syncer, sent }: State,
  service: number,
  addresses: readonly string[],
): Promise<ChangeDone> {
  const slice = sliceOf(service, addresses);
  sent.length = 0;
  const started = performance.now();
  syncer.changed(cluster.set(slice));
  await syncer.whenInSync();
  const milliseconds = performance.now() - started;
  return {
    milliseconds,
    transactions: sent.length,
    operations: sent.map(elementOperations).reduce((a, b) => a + b, 0),
  };
}

async function changeByHand(
  { path }: State,
  service: number,
  before: readonly string[],
  after: readonly string[],
  writer: Writer,
): Promise<ChangeDone> {
  const json = changeDocument(clusterIp(service), `${serviceKey(service)}:http`, before, after);
  if (writer !== 'bare') writeFileSync(path, json);
  const started = performance.now();
  if (writer === 'bare') writeFileSync(path, json);
  await bareNft(['-j', '-f', path]);
  return { milliseconds: performance.now() - started, transactions: 1, operations: elementOperations(json) };
}

/** An Nft that notes the documents it applies. */
function recording(nft: Nft, sent: string[]): Nft {
  return {
    ...nft,
    apply(json) {
      sent.push(json);
      return nft.apply(json);
    },
  };
}

serve(handlers);
