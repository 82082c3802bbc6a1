import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { Element } from '../ruleset/element.ts';
import type { Program } from '../ruleset/program.ts';
import { Ruleset } from '../ruleset/ruleset.ts';
import type { Transaction } from '../ruleset/transaction.ts';
import type { Cluster } from '../service/cluster.ts';
import { type Frontend, frontendsOf } from '../service/frontend.ts';
import { type ClaimConflict, FrontendClaims } from '../service/frontend-claims.ts';

/** Elements after which a batch is closed: keeps one transaction near 0.2 s and nft near 50 MB (nft 1.0.6, 2 cores). */
const BATCH_ELEMENTS = 10_000;

/** What a family's model is built from, besides the cluster. */
export interface ModelSettings {
  readonly program: Program;
  /** The pod networks of the family, as "address/prefix". */
  readonly podCidrs: readonly string[];
}

/**
 * From the cluster to the ruleset of one family: which Services changed, who gets which frontend, which elements follow.
 * Pure but for its own state; whoever owns it sends the transactions.
 */
export class FamilyModel {
  readonly family: Family;
  readonly #cluster: Cluster;
  readonly #settings: ModelSettings;
  readonly #log: Log;
  #claims = new FrontendClaims();
  #ruleset: Ruleset;
  readonly #dirty = new Set<string>();
  readonly #warned = new Set<string>();

  constructor(cluster: Cluster, settings: ModelSettings, log: Log) {
    this.family = settings.program.family;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#log = log;
    this.#ruleset = new Ruleset(settings.program);
  }

  get ruleset(): Ruleset {
    return this.#ruleset;
  }

  get program(): Program {
    return this.#settings.program;
  }

  /** Notes that a Service or its slices changed. */
  markDirty(serviceKey: string): void {
    this.#dirty.add(serviceKey);
  }

  /** True if nextTransaction has something to do. */
  get isDirty(): boolean {
    return this.#dirty.size > 0 || this.#ruleset.hasRetired;
  }

  /** Forgets what the kernel holds and starts again from `found`; every Service becomes dirty. */
  restart(found: Iterable<Element>): void {
    this.#ruleset = new Ruleset(this.program);
    this.#ruleset.adopt(found);
    this.#ruleset.setPodCidrs(this.#settings.podCidrs);
    this.#claims = new FrontendClaims();
    for (const key of this.#cluster.serviceKeys()) {
      this.#claim(key);
      this.#dirty.add(key);
    }
  }

  /** Brings the model up to date with some of the dirty Services: a bounded transaction, or an empty one. */
  nextTransaction(): Transaction {
    const changes = new Map<string, readonly Frontend[]>();
    let elements = 0;
    for (const key of this.#dirty) {
      this.#dirty.delete(key);
      for (const concerned of this.#claim(key)) {
        const frontends = this.#claims.held(concerned);
        changes.set(concerned, frontends);
        elements += frontends.reduce((sum, { endpoints }) => sum + endpoints.length + 2, 1);
      }
      if (elements >= BATCH_ELEMENTS) break;
    }
    this.#ruleset.setServices(changes);
    return this.#ruleset.takeTransaction();
  }

  #claim(key: string): readonly string[] {
    const service = this.#cluster.service(key);
    const frontends =
      service === undefined
        ? []
        : frontendsOf(service, this.#cluster.slicesOf(key), this.family, this.#cluster.nodeName);
    const { concerned, conflicts } = this.#claims.claim(key, service?.createdAt ?? '', frontends);
    for (const conflict of conflicts) this.#warnOnce(conflict);
    return concerned;
  }

  #warnOnce({ winner, loser }: ClaimConflict): void {
    const address = `${winner.address} port ${winner.port}/${winner.protocol}`;
    const message = `Service ${loser.servicePort} also wants ${address} of the older Service ${winner.servicePort}: ignored`;
    if (this.#warned.has(message)) return;
    if (this.#warned.size >= MAX_REMEMBERED_WARNINGS) this.#warned.clear();
    this.#warned.add(message);
    this.#log.warn(message);
  }
}

/** Bounds the memory for warnings given already; past it some are given again. */
const MAX_REMEMBERED_WARNINGS = 1000;
