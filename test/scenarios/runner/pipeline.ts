import { isDeepStrictEqual } from 'node:util';
import type { Arguments } from '../../../src/config/arguments.ts';
import type { Knowledge } from '../../../src/daemon/answers/knowledge.ts';
import { AddressGuard } from '../../../src/daemon/watches/address-guard.ts';
import type { Family } from '../../../src/ip.ts';
import type { Nft } from '../../../src/nft/nft.ts';
import { decodeObject } from '../../../src/objects/decode.ts';
import { atOnce } from '../../../src/service/steps.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import { FamilySyncer } from '../../../src/sync/family-syncer.ts';
import { AheadClock } from '../../builders/ahead-clock.ts';
import { nftIn } from '../../netns/kernel.ts';
import { OWN_TARGETS, TARGETS } from './cast.ts';
import { nodeModels } from './node-models.ts';
import type { RawObject } from './objects.ts';

/** "Kind/namespace/name" of an object. */
type ObjectKey = string;

/**
 * The daemon's way from objects to the kernel, inside this process: decode, cluster, model, nft in a namespace. What the
 * executable adds (sources, sockets) has tests of its own.
 */
export class Pipeline {
  readonly models: ReadonlyMap<Family, FamilyModel>;
  readonly #daemon: ReturnType<typeof nodeModels>;
  #linesRead = 0;
  readonly #syncers: readonly FamilySyncer[];
  readonly #guard: AddressGuard;
  readonly #nft: Nft;
  readonly #objects = new Map<ObjectKey, RawObject>();
  #running: readonly Promise<void>[] | undefined;

  /** `flags`: kube-proxy's, as on the command line. `clock`: the time that slow starts go by. */
  constructor(namespace: string, directory: string, flags: readonly string[], clock = new AheadClock()) {
    this.#daemon = nodeModels(flags);
    const { cluster, args, models, log, shortfalls } = this.#daemon;
    this.#nft = nftIn(namespace, directory, 'ip');
    this.models = new Map(models.map((model) => [model.family, model]));
    this.#syncers = models.map(
      (model) => new FamilySyncer(model, nftIn(namespace, directory, model.family), log, { clock }),
    );
    this.#guard = new AddressGuard({
      cluster,
      args,
      shortfalls,
      readAddresses: () => OWN_TARGETS.flatMap((name) => [TARGETS[name].ip4, TARGETS[name].ip6]),
      onRedecided: ({ networks, services }) => {
        for (const syncer of this.#syncers) {
          if (networks) syncer.networksChanged();
          syncer.changed(services);
        }
      },
    });
  }

  /** What traces are made from, and the nft by which they are compared with the kernel. */
  get forTraces(): { readonly known: Knowledge; readonly args: Arguments; readonly nft: Nft } {
    const models = this.#syncers.map((syncer, i) => {
      const model = [...this.models.values()][i];
      if (model === undefined || syncer.table === undefined) throw new Error('no rules are in force');
      return { model, table: syncer.table, inForce: true };
    });
    const { cluster, shortfalls, args } = this.#daemon;
    return { known: { models, cluster, shortfalls, origin: 'the pipeline' }, args, nft: this.#nft };
  }

  /** All that there are. */
  get objects(): readonly RawObject[] {
    return [...this.#objects.values()];
  }

  /** Makes these the only objects there are, and waits until the kernel has the rules for them. */
  async replaceAll(objects: readonly RawObject[]): Promise<void> {
    const kept = new Set(objects.map(keyOf));
    await this.change(
      objects,
      [...this.#objects.keys()].filter((key) => !kept.has(key)),
    );
  }

  /** Adds or replaces objects, removes others, and waits until the kernel has the rules for that. Throws if nft refused any. */
  async change(objects: readonly RawObject[], removed: readonly ObjectKey[] = []): Promise<void> {
    const { node, serviceCidrs } = this.#daemon.cluster;
    const changed = [...removed.flatMap((key) => this.#remove(key)), ...objects.flatMap((object) => this.#set(object))];
    changed.push(...atOnce(this.#daemon.cluster.settleNodesSteps()));
    if (this.#running === undefined) this.#guard.begin();
    else this.#guard.servicesChanged(changed);
    this.#guard.decide();
    for (const syncer of this.#syncers) {
      syncer.changed(changed);
      if (!isDeepStrictEqual(node, this.#daemon.cluster.node)) syncer.nodeChanged();
      if (serviceCidrs !== this.#daemon.cluster.serviceCidrs) syncer.networksChanged();
    }
    this.#running ??= this.#syncers.map((syncer) => syncer.run());
    await Promise.all(this.#syncers.map((syncer) => syncer.whenInSync()));
    const errors = this.#daemon.lines.slice(this.#linesRead).filter((line) => line.startsWith('E'));
    this.#linesRead = this.#daemon.lines.length;
    if (errors.length > 0) throw new Error(errors.join('\n'));
  }

  /** Waits until the kernel has what is due by now, by the clock. */
  async catchUp(): Promise<void> {
    for (const syncer of this.#syncers) syncer.networksChanged();
    await Promise.all(this.#syncers.map((syncer) => syncer.whenInSync()));
  }

  /** Ends it; the rules stay. */
  async stop(): Promise<void> {
    for (const syncer of this.#syncers) syncer.stop();
    await Promise.all(this.#running ?? []);
  }

  #set(raw: RawObject): readonly string[] {
    const object = this.#daemon.decode(raw.kind, raw);
    this.#objects.set(keyOf(raw), raw);
    return this.#daemon.cluster.set(object);
  }

  #remove(key: ObjectKey): readonly string[] {
    const raw = this.#objects.get(key);
    const decoded = raw && decodeObject(raw.kind, raw);
    if (raw === undefined || decoded?.key === undefined) throw new Error(`there is no ${key} to remove`);
    this.#objects.delete(key);
    return this.#daemon.cluster.delete(raw.kind, decoded.key);
  }
}

function keyOf({ kind, metadata }: RawObject): ObjectKey {
  return `${kind}/${metadata.name}`;
}
