import { isDeepStrictEqual } from 'node:util';
import { AddressGuard } from '../../../src/cli/address-guard.ts';
import type { Arguments } from '../../../src/cli/arguments.ts';
import { asConfigured } from '../../../src/cli/as-configured.ts';
import { createModels } from '../../../src/cli/models.ts';
import { parseArguments } from '../../../src/cli/parse-arguments.ts';
import type { Knowledge } from '../../../src/cli/questions.ts';
import { FAMILIES, type Family } from '../../../src/ip.ts';
import type { Nft } from '../../../src/nft/nft.ts';
import { decodeObject } from '../../../src/objects/decode.ts';
import { Cluster } from '../../../src/service/cluster.ts';
import { atOnce } from '../../../src/service/steps.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import { FamilySyncer } from '../../../src/sync/family-syncer.ts';
import { Shortfalls } from '../../../src/sync/shortfalls.ts';
import { recordingLog } from '../../builders/recording-log.ts';
import { nftIn } from '../../netns/kernel.ts';
import { OWN_TARGETS, TARGETS, THIS_NODE } from './cast.ts';
import type { RawObject } from './objects.ts';

/** "Kind/namespace/name" of an object. */
type ObjectKey = string;

/**
 * The daemon's way from objects to the kernel, inside this process: decode, cluster, model, nft in a namespace. What the
 * executable adds (sources, sockets) has tests of its own.
 */
export class Pipeline {
  readonly models: ReadonlyMap<Family, FamilyModel>;
  readonly #args: Arguments;
  readonly #cluster: Cluster;
  readonly #log = recordingLog();
  #linesRead = 0;
  readonly #syncers: readonly FamilySyncer[];
  readonly #guard: AddressGuard;
  readonly #shortfalls: Shortfalls;
  readonly #nft: Nft;
  readonly #objects = new Map<ObjectKey, RawObject>();
  #running: readonly Promise<void>[] | undefined;

  /** `flags`: kube-proxy's, as on the command line. */
  constructor(namespace: string, directory: string, flags: readonly string[]) {
    this.#args = parseArguments(['--hostname-override', THIS_NODE, ...flags]);
    this.#cluster = new Cluster(THIS_NODE, this.#args);
    const shortfalls = new Shortfalls({ log: this.#log.log });
    this.#shortfalls = shortfalls;
    this.#nft = nftIn(namespace, directory, 'ip');
    const models = createModels(this.#cluster, FAMILIES, this.#args, this.#log.log, undefined, shortfalls);
    this.models = new Map(models.map((model) => [model.family, model]));
    this.#syncers = models.map(
      (model) => new FamilySyncer(model, nftIn(namespace, directory, model.family), this.#log.log),
    );
    this.#guard = new AddressGuard({
      cluster: this.#cluster,
      args: this.#args,
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
    const known = { models, cluster: this.#cluster, shortfalls: this.#shortfalls, origin: 'the pipeline' };
    return { known, args: this.#args, nft: this.#nft };
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
    const { node, serviceCidrs } = this.#cluster;
    const changed = [...removed.flatMap((key) => this.#remove(key)), ...objects.flatMap((object) => this.#set(object))];
    changed.push(...atOnce(this.#cluster.settleNodesSteps()));
    if (this.#running === undefined) this.#guard.begin();
    else this.#guard.servicesChanged(changed);
    this.#guard.decide();
    for (const syncer of this.#syncers) {
      syncer.changed(changed);
      if (!isDeepStrictEqual(node, this.#cluster.node)) syncer.nodeChanged();
      if (serviceCidrs !== this.#cluster.serviceCidrs) syncer.networksChanged();
    }
    this.#running ??= this.#syncers.map((syncer) => syncer.run());
    await Promise.all(this.#syncers.map((syncer) => syncer.whenInSync()));
    const errors = this.#log.lines.slice(this.#linesRead).filter((line) => line.startsWith('E'));
    this.#linesRead = this.#log.lines.length;
    if (errors.length > 0) throw new Error(errors.join('\n'));
  }

  /** Ends it; the rules stay. */
  async stop(): Promise<void> {
    for (const syncer of this.#syncers) syncer.stop();
    await Promise.all(this.#running ?? []);
  }

  #set(raw: RawObject): readonly string[] {
    const decoded = decodeObject(raw.kind, raw);
    if (decoded.object === undefined) throw new Error(decoded.problem);
    this.#objects.set(keyOf(raw), raw);
    return this.#cluster.set(asConfigured(decoded.object, this.#args));
  }

  #remove(key: ObjectKey): readonly string[] {
    const raw = this.#objects.get(key);
    const decoded = raw && decodeObject(raw.kind, raw);
    if (raw === undefined || decoded?.key === undefined) throw new Error(`there is no ${key} to remove`);
    this.#objects.delete(key);
    return this.#cluster.delete(raw.kind, decoded.key);
  }
}

function keyOf({ kind, metadata }: RawObject): ObjectKey {
  return `${kind}/${metadata.name}`;
}
