import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { SetDialect } from '../ruleset/affinity.ts';
import type { Element } from '../ruleset/element.ts';
import { udpFrontendOf } from '../ruleset/frontend-elements.ts';
import type { Program } from '../ruleset/program.ts';
import { type NetworkSet, Ruleset } from '../ruleset/ruleset.ts';
import { MAX_ENDPOINTS } from '../ruleset/slots.ts';
import type { Transaction } from '../ruleset/transaction.ts';
import type { Cluster } from '../service/cluster.ts';
import { type Frontend, frontendsWithin } from '../service/frontend.ts';
import { FrontendClaims } from '../service/frontend-claims.ts';
import { type Cut, DEFAULT_SERVICE_BUDGET, slicesWithin } from '../service/service-budget.ts';
import type { UdpAddress } from '../service/udp-frontends.ts';
import { ConflictReports } from './conflict-reports.ts';
import { Shortfalls } from './shortfalls.ts';

/** Elements after which a batch is closed: keeps one transaction near 0.2 s and nft near 50 MB (nft 1.0.6, 2 cores). */
const BATCH_ELEMENTS = 10_000;

/** Changed Services taken in at a time. */
const BATCH_SERVICES = 2_000;

/** The first batch is so many times smaller, and each next one twice as large: nft has something to do early. */
const FIRST_BATCH = 8;

/** At most so many times smaller than usual a batch is where nft was killed over larger ones: some ten elements. */
const SMALLEST_BATCH = 1024;

/** What a family's model is built from, besides the cluster. */
export interface ModelSettings {
  readonly program: Program;
  /** The networks that belong to the node's configuration, as "address/prefix", by what is known of the cluster now. */
  readonly networks: (cluster: Cluster) => Readonly<Record<NetworkSet, readonly string[]>>;
  /** Where Services that want the same are told of: one for both families. Default: one of its own, to the log. */
  readonly conflicts?: ConflictReports;
  /** Where it is told what is not served as it asks: one for both families. Default: one of its own, to the log. */
  readonly shortfalls?: Shortfalls;
  /** Elements that one Service may have. Default: DEFAULT_SERVICE_BUDGET. */
  readonly serviceBudget?: number;
}

/**
 * From the cluster to the ruleset of one family: which Services changed, who gets which frontend, which elements follow.
 * Pure but for its own state; whoever owns it sends the transactions.
 */
export class FamilyModel {
  readonly family: Family;
  /** How the nft in use declares sets in JSON. */
  setDialect: SetDialect = 'typeof';
  readonly #cluster: Cluster;
  readonly #settings: ModelSettings;
  readonly #log: Log;
  #claims = new FrontendClaims();
  #ruleset: Ruleset;
  /** Services that changed since their frontends were worked out. */
  readonly #dirty = new Set<string>();
  /** Services whose frontends are worked out and wait for their elements. */
  readonly #claimed = new Set<string>();
  /** Services whose elements were handed out in transactions that nobody has called done. */
  readonly #handedOut = new Set<string>();
  readonly #warned = new Set<string>();
  readonly #conflicts: ConflictReports;
  readonly #shortfalls: Shortfalls;
  readonly #serviceBudget: number;
  #networksDirty = false;
  /** The UDP frontends found in the kernel, until they are asked for. */
  #adopted: readonly UdpAddress[] = [];
  /** How many times smaller than others the next batch is. */
  #divisor = FIRST_BATCH;
  /** How many times smaller than usual all batches are. */
  #leastDivisor = 1;

  constructor(cluster: Cluster, settings: ModelSettings, log: Log) {
    this.family = settings.program.family;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#log = log;
    this.#conflicts = settings.conflicts ?? new ConflictReports({ log });
    this.#shortfalls = settings.shortfalls ?? new Shortfalls({ log });
    this.#serviceBudget = settings.serviceBudget ?? DEFAULT_SERVICE_BUDGET;
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

  /** Notes that this node changed: what it is served with, and which endpoints it prefers. */
  nodeChanged(): void {
    this.#networksDirty = true;
    for (const key of this.#cluster.serviceKeys()) this.#dirty.add(key);
  }

  /** Notes that the networks changed, and nothing that Services depend on. */
  networksChanged(): void {
    this.#networksDirty = true;
  }

  /** True if nextTransaction has something to do. */
  get isDirty(): boolean {
    return this.isBehind || this.#ruleset.hasWaiting;
  }

  /** True if changes wait for nextTransaction; what is only waiting to be removed does not count. */
  get isBehind(): boolean {
    return this.#networksDirty || this.#dirty.size > 0 || this.#claimed.size > 0;
  }

  /** How many changed Services wait for nextTransaction. */
  get backlog(): number {
    return this.#dirty.size + this.#claimed.size;
  }

  /** The Services of all transactions since the last call. For when these are in force. */
  takeProgrammed(): readonly string[] {
    const programmed = [...this.#handedOut];
    this.#handedOut.clear();
    return programmed;
  }

  /** True if a Service's last change is not known to be in force. */
  isPending(serviceKey: string): boolean {
    return this.#dirty.has(serviceKey) || this.#claimed.has(serviceKey) || this.#handedOut.has(serviceKey);
  }

  /** The frontends of a Service that are in force, or will be with the transactions handed out. */
  frontendsOf(serviceKey: string): readonly Frontend[] {
    return this.#claims.held(serviceKey);
  }

  /** The slices of a Service as far as they are served at all. */
  slicesOf(serviceKey: string): readonly EndpointSlice[] {
    const { ports = [] } = this.#cluster.service(serviceKey) ?? {};
    const slices = this.#cluster.slicesOf(serviceKey);
    return slicesWithin(slices, ports, this.family, this.#cluster.nodeName, this.#serviceBudget).slices;
  }

  /** The UDP frontends that were in force in the kernel when this program began or doubted what is there; each time once. */
  takeAdopted(): readonly UdpAddress[] {
    const adopted = this.#adopted;
    this.#adopted = [];
    return adopted;
  }

  /** Forgets what the kernel holds and starts again from `found`. */
  restart(found: readonly Element[]): void {
    this.#ruleset = new Ruleset(this.program);
    this.#ruleset.adopt(found);
    // Where what was found could not be mended, it is still what was in force.
    if (found.length > 0) this.#adopted = found.flatMap((element) => udpFrontendOf(element) ?? []);
    this.#setNetworks();
    this.#claims = new FrontendClaims();
    this.#claimed.clear();
    this.#dirty.clear();
    this.#handedOut.clear();
    this.#divisor = Math.max(this.#leastDivisor, FIRST_BATCH);
    this.#shortfalls.forget(this.family);
    for (const key of this.#cluster.serviceKeys()) {
      // Settled before the first write, so that no frontend that is right in a live table is handed around between
      // Services that share it.
      if (found.length > 0) this.#claim(key);
      else this.#dirty.add(key);
    }
  }

  /** Makes batches half as large: nft was killed over one, as for want of memory. */
  shrinkBatches(): void {
    this.#leastDivisor = Math.min(SMALLEST_BATCH, this.#leastDivisor * 2);
  }

  /** Makes batches that were shrunk twice as large again. */
  growBatches(): void {
    this.#leastDivisor = Math.max(1, this.#leastDivisor / 2);
  }

  /** True if so many changed Services have their endpoints already that a transaction for them is worth its process. */
  get hasEarlyBatch(): boolean {
    let ready = 0;
    for (const key of this.#dirty) if (this.#hasArrived(key) && ++ready >= BATCH_SERVICES) return true;
    return false;
  }

  /**
   * Brings the model up to date with the Services that changed: a bounded transaction, or an empty one. With `isComplete`
   * false objects still arrive: Services without endpoints wait, since theirs may be yet to come.
   */
  nextTransaction(isComplete = true): Transaction {
    if (this.#networksDirty) this.#setNetworks();
    for (const key of this.#dirty) {
      if (!isComplete && !this.#hasArrived(key)) continue;
      this.#dirty.delete(key);
      this.#claim(key);
      if (this.#claimed.size >= BATCH_SERVICES / this.#divisor) break;
    }
    const changes = new Map<string, readonly Frontend[]>();
    let elements = 0;
    for (const key of this.#claimed) {
      this.#claimed.delete(key);
      const frontends = this.#claims.held(key);
      changes.set(key, frontends);
      elements += frontends.reduce((sum, { endpoints }) => sum + endpoints.length + 2, 1);
      if (elements >= BATCH_ELEMENTS / this.#divisor) break;
    }
    this.#divisor = Math.max(this.#leastDivisor, this.#divisor / 2);
    for (const key of changes.keys()) this.#handedOut.add(key);
    this.#ruleset.setServices(changes);
    return this.#ruleset.takeTransaction();
  }

  #hasArrived(key: string): boolean {
    return this.#cluster.service(key) !== undefined && this.#cluster.slicesOf(key).length > 0;
  }

  #setNetworks(): void {
    this.#networksDirty = false;
    for (const [name, cidrs] of Object.entries(this.#settings.networks(this.#cluster))) {
      this.#ruleset.setNetworks(name as NetworkSet, cidrs);
    }
  }

  #claim(key: string): void {
    const service = this.#cluster.service(key);
    const { frontends, cut } =
      service === undefined
        ? NOTHING
        : frontendsWithin(service, this.#cluster.slicesOf(key), this.family, this.#cluster, this.#serviceBudget);
    this.#shortfalls.report(
      { kind: 'Service', key },
      'service-budget',
      cut && this.#describe(cut, frontends),
      this.family,
    );
    const { concerned, conflicts } = this.#claims.claim(key, service?.createdAt ?? '', frontends);
    for (const concernedKey of concerned) this.#claimed.add(concernedKey);
    for (const conflict of conflicts) this.#conflicts.report(conflict);
    for (const { servicePort, endpoints } of frontends.filter(
      (frontend) => frontend.endpoints.length > MAX_ENDPOINTS,
    )) {
      this.#warnOnce(`Service ${servicePort} has ${endpoints.length} endpoints; ${MAX_ENDPOINTS} of them are used`);
    }
  }

  #describe(cut: Cut, frontends: readonly Frontend[]): string {
    const most = frontends.reduce((max, { endpoints }) => Math.max(max, endpoints.length), 0);
    const used = cut.endpoints ? [`each port uses ${most} of its endpoints at most`] : [];
    const refused = cut.frontends ? ['some of its ports or addresses are not served'] : [];
    return (
      `its ports, addresses and endpoints ask for more than the ${this.#serviceBudget} elements that one Service may ` +
      `have: ${[...used, ...refused].join(', ')}. Split it, or raise --max-elements-per-service`
    );
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    if (this.#warned.size >= MAX_REMEMBERED_WARNINGS) this.#warned.clear();
    this.#warned.add(message);
    this.#log.warn(message);
  }
}

const NOTHING: { readonly frontends: readonly Frontend[]; readonly cut?: Cut } = { frontends: [] };

/** Bounds the memory for warnings given already; past it some are given again. */
const MAX_REMEMBERED_WARNINGS = 1000;
