import { isDeepStrictEqual } from 'node:util';
import type { Arguments } from '../config/arguments.ts';
import type { Kind, KubeObject } from '../objects/decode.ts';
import type { Node } from '../objects/node.ts';
import type { Cluster } from '../service/cluster.ts';
import type { SourceListener } from '../source/source.ts';
import { asConfigured } from './as-configured.ts';

/** What hears of the objects that a feed takes in. */
export interface FeedListener {
  /** An object is about to replace the one that the cluster has. `isListed`: see SourceListener. */
  readonly changing?: (object: KubeObject, isListed: boolean) => void;
  /** The cluster is about to forget an object. */
  readonly deleting?: (kind: Kind, key: string, isListed: boolean) => void;
  /** The cluster has taken in an object: the keys of the affected Services, often none. */
  readonly changed?: (serviceKeys: readonly string[]) => void;
  readonly serviceCidrsChanged?: () => void;
  /** Something of this node's Node that the rules depend on is different. */
  readonly nodeChanged?: () => void;
  /** The source has delivered the whole cluster. */
  readonly synced?: () => void;
}

export interface FeedOptions {
  readonly cluster: Cluster;
  readonly args: Pick<Arguments, 'bindAddress' | 'allowExternalIps'>;
  readonly listener: FeedListener;
}

/**
 * The way from a source to the cluster: each object is taken in as this node's configuration lets it count, and the listener
 * hears what that affects. The daemon and the commands that read a source by themselves use the same one.
 */
export class Feed implements SourceListener {
  readonly #options: FeedOptions;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  changed(object: KubeObject, isListed = false): void {
    const { cluster, args, listener } = this.#options;
    listener.changing?.(object, isListed);
    this.#takeIn(() => cluster.set(asConfigured(object, args)));
  }

  deleted(kind: Kind, key: string, isListed = false): void {
    const { cluster, listener } = this.#options;
    listener.deleting?.(kind, key, isListed);
    this.#takeIn(() => cluster.delete(kind, key));
  }

  synced(): void {
    this.#options.listener.synced?.();
  }

  #takeIn(change: () => readonly string[]): void {
    const { cluster, listener } = this.#options;
    const { node, serviceCidrs } = cluster;
    const affected = change();
    listener.changed?.(affected);
    if (serviceCidrs !== cluster.serviceCidrs) listener.serviceCidrsChanged?.();
    // The kubelet writes a Node every few minutes, mostly without a change to what the rules depend on.
    if (node === cluster.node || isDeepStrictEqual(forRules(node), forRules(cluster.node))) return;
    listener.nodeChanged?.();
  }
}

/** A Node without what only health and --skip-unreachable-nodes depend on. */
function forRules(node: Node | undefined): object | undefined {
  if (node === undefined) return undefined;
  const { unready: _isOfReadiness, ...rest } = node;
  return { ...rest, eligible: true };
}
