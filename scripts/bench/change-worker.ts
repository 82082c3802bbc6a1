/** In a network namespace of its own: a filled table and a cluster that changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createNft, type Nft } from '../../src/nft/nft.ts';
import { NftSession } from '../../src/nft/session.ts';
import { TABLE_NAMES } from '../../src/nft/tables.ts';
import { sizeOf, type Transaction } from '../../src/ruleset/model/transaction.ts';
import { SYSTEM_CLOCK } from '../../src/sync/clock.ts';
import type { FamilyModel } from '../../src/sync/family-model.ts';
import type { FamilySyncer } from '../../src/sync/family-syncer.ts';
import { Pace } from '../../src/sync/pace.ts';
import { CHANGES, Changes } from './changes.ts';
import { elementOperations } from './element-operations.ts';
import { fingerprintOf } from './fingerprint.ts';
import { HugeService } from './huge-service.ts';
import { RawNetlink } from './raw-netlink.ts';
import { documentOf, fillOtherFamily, log, modelOf, syncerOf } from './syncer.ts';
import { type ClusterSize, syntheticCluster } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** Milliseconds between two changes, so that each finds everything idle. */
const PAUSE = 5;
/** Milliseconds. */
const SESSION_TIMEOUT = 60_000;

/**
 * Who writes: our syncer, a bare session that is given the same documents, made beforehand, or netlink messages with
 * the same elements, made beforehand.
 */
export type Writer = 'ours' | 'bare' | 'raw';

/** How one change went. */
export interface ChangeDone {
  /** Event in → acknowledged. */
  readonly milliseconds: number;
  readonly transactions: number;
  /** Elements added and deleted. */
  readonly operations: number;
}

interface State {
  readonly changes: Changes;
  readonly huge: HugeService;
  readonly write: (change: () => readonly string[]) => Promise<ChangeDone>;
}

let state: State | undefined;

const handlers = {
  /**
   * Makes the cluster and fills the table, beside the other family's. `huge`: with a Service of that many endpoints
   * besides. `rawNetlink`: the compiled raw_netlink.c, for that writer.
   */
  async fill({
    size,
    writer,
    directory,
    huge,
    rawNetlink,
  }: {
    size: ClusterSize;
    writer: Writer;
    directory: string;
    huge: number;
    rawNetlink: string;
  }): Promise<void> {
    const cluster = syntheticCluster(size);
    const hugeService = new HugeService(cluster, size, huge);
    await fillOtherFamily(cluster, directory);
    const model = modelOf(cluster);
    const sent: string[] = [];
    const nft = recording(createNft(directory, `changes-${process.pid}`), sent);
    // Without a pace: what waits to be deleted goes at once, as in the floors.
    const syncer = syncerOf(model, nft, { pace: new Pace(SYSTEM_CLOCK, 0) });
    const running = syncer.run();
    await syncer.whenInSync();
    if (writer === 'ours') {
      // As the daemon does; here it is waited for.
      await nft.openSession(log);
    } else {
      syncer.stop();
      await running;
    }
    const write = await writerOf(writer, { syncer, sent, model, directory, rawNetlink });
    state = { changes: new Changes(cluster, size), huge: hugeService, write };
  },

  /** Makes all CHANGES, one after the other, and returns how they went. */
  async change({ service, turn }: { service: number; turn: number }): Promise<ChangeDone[]> {
    if (state === undefined) throw new Error('not filled yet');
    const { changes, write } = state;
    const done: ChangeDone[] = [];
    for (const change of CHANGES) {
      await sleep(PAUSE);
      done.push(await write(() => changes.make(change, service, turn)));
    }
    return done;
  },

  /** The huge Service gains an endpoint, then loses one. */
  async changeHuge({ turn }: { turn: number }): Promise<ChangeDone[]> {
    if (state === undefined) throw new Error('not filled yet');
    const { huge, write } = state;
    await sleep(PAUSE);
    const gained = await write(() => huge.gain(turn));
    await sleep(PAUSE);
    return [gained, await write(() => huge.lose(turn))];
  },

  /** A hash of the table, equal for equal ones. */
  async fingerprint(): Promise<string> {
    return fingerprintOf(TABLE_NAMES[0]);
  },
};

export type ChangeHandlers = typeof handlers;

interface Filled {
  readonly syncer: FamilySyncer;
  /** The documents that the syncer's nft is given. */
  readonly sent: string[];
  readonly model: FamilyModel;
  readonly directory: string;
  readonly rawNetlink: string;
}

async function writerOf(writer: Writer, filled: Filled): Promise<State['write']> {
  const { syncer, sent, model, directory, rawNetlink } = filled;
  if (writer === 'ours') return byUs(syncer, sent);
  const session = await openBareSession(directory);
  if (writer === 'raw') return byNetlink(model, new RawNetlink(rawNetlink, model.family, TABLE_NAMES[0]), session);
  return bySession(model, session);
}

function byUs(syncer: FamilySyncer, sent: string[]): State['write'] {
  return async (change) => {
    sent.length = 0;
    const started = performance.now();
    syncer.changed(change());
    await syncer.whenInSync();
    return doneIn(performance.now() - started, sent);
  };
}

/** Documents through a session, or elements through netlink: what is not the kernel's work is done before it counts. */
function bySession(model: FamilyModel, session: NftSession): State['write'] {
  return async (change) => {
    const sent = transactionsOf(model, change).flatMap(
      (transaction) => documentOf(model, TABLE_NAMES[0], transaction) ?? [],
    );
    const started = performance.now();
    for (const document of sent) await session.transact(document);
    return doneIn(performance.now() - started, sent);
  };
}

/** `session`: brings chains, which come once for many changes and are not counted. */
function byNetlink(model: FamilyModel, netlink: RawNetlink, session: NftSession): State['write'] {
  return async (change) => {
    const sent = transactionsOf(model, change).filter((transaction) => sizeOf(transaction) > 0);
    let milliseconds = 0;
    for (const transaction of sent) {
      const chains = { deletes: [], adds: transaction.adds.filter(({ chain }) => chain !== undefined) };
      const document = documentOf(model, TABLE_NAMES[0], chains);
      if (document !== undefined) await session.transact(document);
      const elements = { ...transaction, adds: transaction.adds.filter(({ chain }) => chain === undefined) };
      if (sizeOf(elements) > 0) milliseconds += await netlink.commit(elements);
    }
    const operations = sent.reduce((sum, transaction) => sum + sizeOf(transaction), 0);
    return { milliseconds, transactions: sent.length, operations };
  };
}

/** All that follows from a change; a later one may be what an earlier one left to be deleted. */
function transactionsOf(model: FamilyModel, change: () => readonly string[]): readonly Transaction[] {
  for (const key of change()) model.markDirty(key);
  const transactions: Transaction[] = [];
  while (model.isDirty) transactions.push(model.nextTransaction());
  return transactions;
}

/** A session with nothing around it: it is not replaced if it ends, and nothing is kept of what it is given. */
function openBareSession(directory: string): Promise<NftSession> {
  const onEnd = (error: Error) => {
    throw error;
  };
  return NftSession.open({ nft: 'nft', runDir: directory, timeout: SESSION_TIMEOUT, onEnd });
}

function doneIn(milliseconds: number, sent: readonly string[]): ChangeDone {
  const operations = sent.reduce((sum, json) => sum + elementOperations(json), 0);
  return { milliseconds, transactions: sent.length, operations };
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
