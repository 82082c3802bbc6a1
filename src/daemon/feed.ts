import { isDeepStrictEqual } from 'node:util';
import type { Arguments } from '../config/arguments.ts';
import type { Kind, KubeObject } from '../objects/decode.ts';
import type { Node } from '../objects/node.ts';
import type { Cluster } from '../service/cluster.ts';
import type { SourceListener } from '../source/source.ts';
import { asConfigured } from './as-configured.ts';

/** Receives the events of a feed. */
export interface FeedListener {
  /** An object is about to replace the one in the cluster. `isListed`: see SourceListener. */
  readonly changing?: (object: KubeObject, isListed: boolean) => void;
  /** The cluster is about to remove an object. */
  readonly deleting?: (kind: Kind, key: string, isListed: boolean) => void;
  /** The cluster has stored an object. Receives the keys of the affected Services, often none. */
  readonly changed?: (serviceKeys: readonly string[]) => void;
  readonly serviceCidrsChanged?: () => void;
  /** A part of this node's Node that the rules depend on has changed. */
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
 * Feeds objects from a source into the cluster, after applying this node's configuration to them, and tells the listener
 * what they affect. The daemon and the commands that read a source use the same feed.
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
    // The kubelet writes a Node every few minutes, usually without a change that affects the rules.
    if (node === cluster.node || isDeepStrictEqual(forRules(node), forRules(cluster.node))) return;
    listener.nodeChanged?.();
  }
}

/** A Node without the parts that only health and --skip-unreachable-nodes depend on. */
function forRules(node: Node | undefined): object | undefined {
  if (node === undefined) return undefined;
  const { unready: _isOfReadiness, ...rest } = node;
  return { ...rest, eligible: true };
}
