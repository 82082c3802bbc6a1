import { type Family, familyOf } from '../ip.ts';
import type { Log } from '../log.ts';
import type { SetSyntax } from '../nft/json/set-json.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { picksByClient } from '../ruleset/model/affinity-by-hash.ts';
import { udpFrontendOf } from '../ruleset/model/frontend-elements.ts';
import { type NetworkSet, Ruleset } from '../ruleset/model/ruleset.ts';
import type { Transaction } from '../ruleset/model/transaction.ts';
import type { HeartbeatPorts } from '../ruleset/program/heartbeat.ts';
import type { Program } from '../ruleset/program/program.ts';
import { ENTRIES_OF_STEP } from '../service/candidates.ts';
import type { Cluster } from '../service/cluster.ts';
import { type Frontend, placeOf, slotsOf } from '../service/frontend.ts';
import { bothOf, type ClaimResult } from '../service/frontend-claims.ts';
import { DEFAULT_SERVICE_BUDGET, slicesWithin } from '../service/service-budget.ts';
import { atOnce, eachInSteps, type Steps } from '../service/steps.ts';
import type { UdpAddress } from '../service/udp-frontends.ts';
import { AllowedFrontends, type AllowedFrontendsOptions } from './allowed-frontends.ts';
import { BATCH_SERVICES, BatchSizes, MAX_WEIGHT } from './batch-sizes.ts';
import { FairQueue } from './fair-queue.ts';
import { Shortfalls } from './shortfalls.ts';
import { SlowStarting } from './slow-starting.ts';
import { Suspects } from './suspects.ts';
import { namespaceOf, WaitingFrontends } from './waiting-frontends.ts';

/** A transaction, and the frontends that it changes. */
type Brought = { readonly transaction: Transaction; readonly frontends: readonly string[] };
/** Services with at least this many elements are large: smaller ones go first. */
const LARGE = 1_000;

/** At least one in this many parts of each transaction is for large Services, if any wait. */
const PARTS = 5;

/** How many times more endpoints than fit into a transaction are examined for it. Most of them may be unchanged. */
const LOOKS = 4;

/** What a family's model is built from, besides the cluster. */
export interface ModelSettings extends AllowedFrontendsOptions {
  readonly program: Program;
  /** The networks of the node's configuration, as "address/prefix", as far as the cluster is known now. */
  readonly networks: (cluster: Cluster) => Readonly<Record<NetworkSet, readonly string[]>>;
}

/**
 * From the cluster to the ruleset of one family: which Services changed, who gets which frontend, and which elements follow.
 * It has no side effects: its owner sends the transactions.
 *
 * Transactions are bounded, and namespaces take turns. Small Services come first, and as a whole. The rest of a transaction,
 * but at least a fifth, is for the frontends of large Services. A frontend that is too large is sent in parts.
 */
export class FamilyModel {
  readonly family: Family;
  /** How the nft in use declares sets in JSON. */
  setSyntax: SetSyntax = 'typeof';
  /** Where heartbeats go after the next restart; undefined: there are none. */
  heartbeat: HeartbeatPorts | undefined;
  /** Which endpoints start slowly. */
  readonly slowStarting = new SlowStarting();
  /** The frontends that nft refuses, or may refuse. */
  readonly suspects: Suspects;
  /** How much goes into a transaction. */
  readonly batches = new BatchSizes();
  readonly #cluster: Cluster;
  readonly #settings: ModelSettings;
  readonly #log: Log;
  #allowed: AllowedFrontends;
  #ruleset: Ruleset;
  /** Services that have changed since their frontends were computed. */
  readonly #dirty = new FairQueue<string>();
  /** The large ones among them. */
  readonly #large = new FairQueue<string>();
  /** The large Service whose frontends are being computed. */
  #expansion: { readonly key: string; readonly steps: Steps<void> } | undefined;
  /** Frontends that are computed and wait for their elements. */
  #waiting = new WaitingFrontends();
  /** Services whose frontends were computed before it was known what the kernel holds. */
  readonly #ahead = new Set<string>();
  /** Services whose elements are in transactions that were handed out and are not yet reported as done. */
  readonly #handedOut = new Set<string>();
  #networksDirty = false;
  /** The UDP frontends found in the kernel, until they are read. */
  #adopted: readonly UdpAddress[] = [];

  constructor(cluster: Cluster, settings: ModelSettings, log: Log) {
    this.family = settings.program.family;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#log = log;
    this.#allowed = this.#newAllowed();
    this.#ruleset = new Ruleset(settings.program, settings.counting);
    this.suspects = new Suspects({
      family: this.family,
      shortfalls: settings.shortfalls ?? new Shortfalls({ log }),
      ruleset: () => this.#ruleset,
      allowed: () => this.#allowed,
    });
  }

  get ruleset(): Ruleset {
    return this.#ruleset;
  }

  get program(): Program {
    return this.#settings.program;
  }

  /** Notes that a Service or its slices changed. Returns false if this does not affect the family. */
  markDirty(serviceKey: string): boolean {
    if (!this.#concerns(serviceKey)) return false;
    if (this.#expansion?.key === serviceKey) this.#expansion = undefined;
    this.#dirty.add(namespaceOf(serviceKey), serviceKey);
    return true;
  }

  /** Notes that this node changed: which Services it serves, and which endpoints it prefers. */
  nodeChanged(): void {
    this.#networksDirty = true;
    for (const key of this.#cluster.serviceKeys()) this.markDirty(key);
  }

  /** Notes that the networks changed, but nothing that Services depend on. */
  networksChanged(): void {
    this.#networksDirty = true;
  }

  /** Does what is due at `now` (milliseconds): tries quarantined frontends, each alone, and continues slow starts. */
  advance(now: number): void {
    for (const key of this.slowStarting.advance(now)) this.markDirty(key);
    for (const key of this.suspects.due(now)) this.#waiting.add(key, [this.#allowed.holderOf(key) ?? '/']);
  }

  /** True if nextTransaction has something to do. */
  get isDirty(): boolean {
    return this.isBehind || this.#ruleset.hasWaiting;
  }

  /** True if changes wait for nextTransaction. Elements that only wait to be removed do not count. */
  get isBehind(): boolean {
    return this.#networksDirty || this.backlog > 0 || this.#allowed.hasOtherRoom;
  }

  /** How many changed Services, and frontends of large ones, wait for nextTransaction. */
  get backlog(): number {
    return this.#dirty.size + this.#large.size + this.#waiting.size + (this.#expansion === undefined ? 0 : 1);
  }

  /** True if large Services wait, so a transaction is worth its own process. */
  get hasLarge(): boolean {
    return this.#large.size > 0 || this.#waiting.size > 0 || this.#expansion !== undefined;
  }

  /** The Services of all transactions since the last call, to be reported once these are in force. */
  takeProgrammed(): readonly string[] {
    const programmed = [...this.#handedOut].filter((key) => !this.suspects.concern(key));
    this.#handedOut.clear();
    return [...programmed, ...this.suspects.takeSettled()];
  }

  /** True if a Service's last change is not yet known to be in force. */
  isPending(serviceKey: string): boolean {
    const namespace = namespaceOf(serviceKey);
    return (
      this.#dirty.has(namespace, serviceKey) ||
      this.#large.has(namespace, serviceKey) ||
      this.#expansion?.key === serviceKey ||
      this.#waiting.isPending(serviceKey) ||
      this.#handedOut.has(serviceKey) ||
      this.suspects.concern(serviceKey)
    );
  }

  /** The frontends of a Service that are in force, or will be once the transactions handed out are. */
  frontendsOf(serviceKey: string): readonly Frontend[] {
    return this.#allowed.of(serviceKey);
  }

  /** The slices of a Service, as far as they are served. */
  slicesOf(serviceKey: string): readonly EndpointSlice[] {
    const { ports = [] } = this.#cluster.service(serviceKey) ?? {};
    const slices = this.#cluster.slicesOf(serviceKey);
    const { serviceBudget = DEFAULT_SERVICE_BUDGET } = this.#settings;
    return slicesWithin(slices, ports, this.family, placeOf(this.#cluster), serviceBudget).slices;
  }

  /** UDP frontends in force in the kernel at the start, or when its content was last doubted. Empties the list. */
  takeAdopted(): readonly UdpAddress[] {
    const adopted = this.#adopted;
    this.#adopted = [];
    return adopted;
  }

  /** Forgets what the kernel holds and starts again from `found`. */
  restart(found: readonly Element[]): void {
    this.#ahead.clear();
    atOnce(this.restartSteps(found));
  }

  /**
   * Computes the frontends of Services while the kernel is still being read, so that restartSteps need not. Between the
   * steps, only changes may be noted. Services with session affinity wait, because their frontends depend on what is found.
   */
  *workOutAheadSteps(): Steps<void> {
    this.#forget();
    for (const key of this.#cluster.serviceKeys()) {
      if (!this.#allowed.fit) return;
      const { affinitySeconds, options } = this.#cluster.service(key) ?? {};
      if (affinitySeconds !== undefined || options?.maxConnections !== undefined) continue;
      yield* this.#expand(key);
      this.#ahead.add(key);
    }
  }

  /** As restart, in steps. Between them, only changes may be noted. */
  *restartSteps(found: readonly Element[]): Steps<void> {
    const ahead = new Set(this.#ahead);
    if (ahead.size === 0) this.#forget();
    this.#ahead.clear();
    this.#allowed.adoptedSize = found.length;
    this.#ruleset = new Ruleset(this.program, this.#settings.counting);
    const udp: UdpAddress[] = [];
    for (let i = 0; i < found.length; i += FOUND_STEP) {
      const some = found.slice(i, i + FOUND_STEP);
      this.#ruleset.adopt(some);
      udp.push(...some.flatMap((element) => udpFrontendOf(element) ?? []));
      yield;
    }
    if (this.heartbeat !== undefined) this.#ruleset.setHeartbeat(this.heartbeat);
    // Even if the found elements could not be repaired, they were in force.
    if (found.length > 0) this.#adopted = udp;
    this.#setNetworks();
    this.suspects.restart();
    for (const key of this.#cluster.serviceKeys()) {
      if (ahead.has(key) && !this.#dirty.has(namespaceOf(key), key)) continue;
      // Settled before the first write. Otherwise a correct frontend in a live table could move back and forth between
      // Services that share it.
      if (found.length > 0 && this.#allowed.fit) yield* this.#expand(key);
      else this.markDirty(key);
    }
  }

  #forget(): void {
    this.#settings.shortfalls?.forget(this.family);
    this.#allowed = this.#newAllowed();
    for (const queue of [this.#dirty, this.#large]) queue.clear();
    this.#waiting = new WaitingFrontends();
    this.#expansion = undefined;
    this.#handedOut.clear();
    this.#ahead.clear();
    this.batches.begin();
  }

  /** True if enough changed Services already have their endpoints that a transaction for them is worth its process. */
  get hasEarlyBatch(): boolean {
    let ready = 0;
    for (const key of this.#dirty) if (this.#cluster.hasArrived(key) && ++ready >= BATCH_SERVICES) return true;
    return false;
  }

  /**
   * Brings the model up to date with the Services that changed. Returns a bounded transaction, which may be empty. While
   * `isComplete` is false, objects still arrive, and Services without endpoints wait for theirs.
   */
  nextTransaction(isComplete = true): Transaction {
    return atOnce(this.transactionSteps(isComplete)).transaction;
  }

  /** The same in steps. Between them, only changes may be noted. `maxWeight`: see weight.ts. */
  *transactionSteps(isComplete = true, maxWeight = MAX_WEIGHT): Steps<Brought> {
    if (this.#networksDirty) this.#setNetworks();
    const brought: string[] = [];
    const { weight: limit, services: batch } = this.batches.next(maxWeight);
    const share = limit / PARTS;
    const results = yield* this.#workOutSmall(isComplete, limit, batch);
    yield* this.#workOutLarge(limit);
    yield* this.#shareOut(results);
    for (const { affected, frontends } of results.values()) {
      for (const key of frontends) {
        if (!(yield* this.#bring(key, share, brought))) this.#waiting.add(key, affected);
        yield;
      }
      for (const service of affected) {
        if (this.#waiting.isPending(service)) this.#handedOut.delete(service);
        else this.#handedOut.add(service);
      }
    }
    yield* this.#bringLarge(Math.max(limit - this.#ruleset.weight, share), brought);
    const transaction = this.#ruleset.takeTransaction(Math.max(limit - this.#ruleset.weight, share));
    return { transaction, frontends: brought };
  }

  /** Computes the frontends of changed small Services, as many as fit into a transaction. */
  *#workOutSmall(isComplete: boolean, limit: number, batch: number): Steps<Map<string, ClaimResult>> {
    const results = new Map<string, ClaimResult>();
    const early: string[] = [];
    for (let estimated = 0, count = 0; estimated < limit && count < batch; count++) {
      const key = this.#dirty.next();
      if (key === undefined) break;
      const size = this.#allowed.sizeOf(key);
      if (!isComplete && !this.#cluster.hasArrived(key)) {
        early.push(key);
        count--;
      } else if (size > LARGE) {
        this.#large.add(namespaceOf(key), key);
      } else {
        estimated += size;
        this.#handedOut.add(key);
        results.set(key, yield* this.#allowed.workOut(key));
        yield;
      }
    }
    for (const key of early) this.#dirty.add(namespaceOf(key), key);
    return results;
  }

  /** Computes the frontends of large Services, within a time limit. */
  *#workOutLarge(limit: number): Steps<void> {
    for (let looks = 0; this.#waiting.size === 0 && looks < LOOKS; ) {
      if (this.#expansion === undefined) {
        const key = this.#large.next();
        if (key === undefined) return;
        this.#expansion = { key, steps: this.#expand(key) };
      }
      const { key, steps } = this.#expansion;
      const { done } = steps.next();
      const eachPort = this.#allowed.sizeOf(key) / (this.#cluster.service(key)?.ports.length || 1);
      looks += Math.min(eachPort, ENTRIES_OF_STEP) / limit;
      if (done) this.#expansion = undefined;
      yield;
    }
  }

  /** Uses the rest of a transaction for frontends of large Services. */
  *#bringLarge(room: number, brought: string[]): Steps<void> {
    const limit = this.#ruleset.weight + room;
    for (let looks = 0; this.#ruleset.weight < limit && looks < room * LOOKS; ) {
      const waiting = this.#waiting.next();
      if (waiting === undefined) return;
      const frontend = this.#allowed.withKey(waiting.key);
      looks += frontend === undefined ? 1 : slotsOf(frontend);
      const isDone = yield* this.#bring(waiting.key, limit - this.#ruleset.weight, brought);
      if (isDone) for (const service of this.#waiting.done(waiting)) this.#handedOut.add(service);
      else this.#waiting.putBack(waiting);
      yield;
    }
  }

  /** Brings a frontend forward, as far as there is room, into `brought`. Returns true if it is done or left out. */
  *#bring(key: string, room: number, brought: string[]): Steps<boolean> {
    const frontend = this.#allowed.withKey(key);
    const { weight } = this.#ruleset;
    if (!this.suspects.admit(key, frontend)) return true;
    const isDone = yield* this.#ruleset.setFrontend(key, frontend, room);
    if (this.#ruleset.weight !== weight) brought.push(key);
    return isDone;
  }

  /** Computes the frontends of a large Service, which then wait for their elements. */
  *#expand(key: string): Steps<void> {
    const { affected, frontends } = yield* this.#allowed.workOut(key);
    yield* eachInSteps(frontends, (frontend) => this.#waiting.add(frontend, affected));
    if (frontends.length === 0) this.#handedOut.add(key);
  }

  #newAllowed(): AllowedFrontends {
    const byClient = (frontend: Frontend) => picksByClient(this.#ruleset, frontend);
    const options = { ...this.#settings, picksByClient: byClient, slowStarting: this.slowStarting };
    return new AllowedFrontends(this.#cluster, this.family, options, this.#log);
  }

  /** Whether a Service has, or had, anything in this family. */
  #concerns(key: string): boolean {
    const { family } = this;
    const has = this.#cluster.service(key)?.clusterIps.some((address) => familyOf(address) === family);
    return has === true || this.#allowed.has(key) || this.slowStarting.has(key) || this.isPending(key);
  }

  #setNetworks(): void {
    this.#networksDirty = false;
    for (const [name, cidrs] of Object.entries(this.#settings.networks(this.#cluster))) {
      this.#ruleset.setNetworks(name as NetworkSet, cidrs);
    }
  }

  /** Distributes the budget. Services in `results` are updated at once, others that are affected in their turn. */
  *#shareOut(results: Map<string, ClaimResult>): Steps<void> {
    for (const key of this.#allowed.shareOut()) {
      const first = results.get(key);
      if (first !== undefined) results.set(key, bothOf(first, yield* this.#allowed.workOut(key)));
      else if (this.#waiting.isPending(key)) yield* this.#expand(key);
      else this.markDirty(key);
    }
  }
}

/** How many elements found in the kernel are taken in at a time. */
const FOUND_STEP = 5_000;
