import { type Family, familyOf } from '../ip.ts';
import type { Log } from '../log.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import type { SetDialect } from '../ruleset/affinity.ts';
import type { Element } from '../ruleset/element.ts';
import { udpFrontendOf } from '../ruleset/frontend-elements.ts';
import type { Program } from '../ruleset/program.ts';
import { type NetworkSet, Ruleset } from '../ruleset/ruleset.ts';
import { MAX_ENDPOINTS } from '../ruleset/slots.ts';
import type { Transaction } from '../ruleset/transaction.ts';
import { Allowances } from '../service/allowances.ts';
import type { Cluster } from '../service/cluster.ts';
import { type BoundedFrontends, type Frontend, frontendsWithin, NO_FRONTENDS } from '../service/frontend.ts';
import { FrontendClaims } from '../service/frontend-claims.ts';
import { type Cut, DEFAULT_SERVICE_BUDGET, slicesWithin } from '../service/service-budget.ts';
import type { ShortfallReason } from '../service/shortfall.ts';
import { TotalBudget } from '../service/total-budget.ts';
import type { UdpAddress } from '../service/udp-frontends.ts';
import { ConflictReports } from './conflict-reports.ts';
import { Shortfalls } from './shortfalls.ts';

/** Elements after which a batch is closed: keeps one transaction near 0.2 s and nft near 50 MB (nft 1.0.6, 2 cores). */
const BATCH_ELEMENTS = 10_000;

/** Elements after which no more of the changed Services are taken in: their endpoints are held until they are elements. */
const CLAIMED_ELEMENTS = 100_000;

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
  /** Elements that all Services may have: one for both families. Default: no bound. */
  readonly totalBudget?: TotalBudget;
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
  readonly #totalBudget: TotalBudget;
  #allowances: Allowances;
  /** What was shared out last. */
  #sharedRoom = Number.POSITIVE_INFINITY;
  /** How many elements the kernel held when this began. */
  #adoptedSize = 0;
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
    this.#totalBudget = settings.totalBudget ?? new TotalBudget(Number.POSITIVE_INFINITY);
    this.#allowances = this.#newAllowances();
    this.#ruleset = new Ruleset(settings.program);
  }

  get ruleset(): Ruleset {
    return this.#ruleset;
  }

  get program(): Program {
    return this.#settings.program;
  }

  /** Notes that a Service or its slices changed; false if that is nothing to this family. */
  markDirty(serviceKey: string): boolean {
    if (!this.#concerns(serviceKey)) return false;
    this.#dirty.add(serviceKey);
    return true;
  }

  /** Notes that this node changed: what it is served with, and which endpoints it prefers. */
  nodeChanged(): void {
    this.#networksDirty = true;
    for (const key of this.#cluster.serviceKeys()) this.markDirty(key);
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
    const hasOtherRoom = this.#allowances.isShort && this.#room !== this.#sharedRoom;
    return this.#networksDirty || this.#dirty.size > 0 || this.#claimed.size > 0 || hasOtherRoom;
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
    this.#allowances = this.#newAllowances();
    this.#adoptedSize = found.length;
    for (const key of this.#cluster.serviceKeys()) {
      // Settled before the first write, so that no frontend that is right in a live table is handed around between
      // Services that share it.
      if (found.length > 0 && this.#allowances.total <= this.#room) this.#claim(key);
      else this.markDirty(key);
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
    let asked = 0;
    for (const key of this.#dirty) {
      if (!isComplete && !this.#hasArrived(key)) continue;
      this.#dirty.delete(key);
      this.#claim(key);
      asked += this.#allowances.demandOf(key);
      if (this.#claimed.size >= BATCH_SERVICES / this.#divisor || asked >= CLAIMED_ELEMENTS) break;
    }
    this.#share();
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

  /** Whether a Service has, or had, anything in this family. */
  #concerns(key: string): boolean {
    const { family } = this;
    const has = this.#cluster.service(key)?.clusterIps.some((address) => familyOf(address) === family);
    return has === true || this.#claims.has(key) || this.isPending(key);
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
    const { served, cut, isShort } = this.#allowed(key, service);
    const { frontends } = served;
    const report = (reason: ShortfallReason, message: string | undefined) =>
      this.#shortfalls.report({ kind: 'Service', key }, reason, message, this.family);
    report('service-budget', cut && this.#describe(cut, frontends));
    report('total-budget', isShort ? describeShort(served) : undefined);
    const { concerned, conflicts } = this.#claims.claim(key, service?.createdAt ?? '', frontends);
    for (const concernedKey of concerned) this.#claimed.add(concernedKey);
    for (const conflict of conflicts) this.#conflicts.report(conflict);
    for (const { servicePort, endpoints } of frontends.filter(
      (frontend) => frontend.endpoints.length > MAX_ENDPOINTS,
    )) {
      this.#warnOnce(`Service ${servicePort} has ${endpoints.length} endpoints; ${MAX_ENDPOINTS} of them are used`);
    }
  }

  /** The frontends that a Service may have, what its own budget leaves out, and whether that of all leaves out more. */
  #allowed(key: string, service: Service | undefined) {
    const within = (budget: number) =>
      service === undefined
        ? NO_FRONTENDS
        : frontendsWithin(service, this.#cluster.slicesOf(key), this.family, this.#cluster, budget);
    const asked = within(this.#serviceBudget);
    this.#allowances.set(key, asked.elements);
    const allowed = this.#allowances.of(key);
    const isShort = allowed < asked.elements;
    return { served: isShort ? within(allowed) : asked, cut: asked.cut, isShort };
  }

  /** What all Services of this family may have. What the kernel holds at the start always fits. */
  get #room(): number {
    return Math.max(this.#totalBudget.room(this.family), this.#adoptedSize);
  }

  /** Shares out what there is, and sees to those that may have more or less than before. */
  #share(): void {
    this.#totalBudget.demand(this.family, this.#allowances.total);
    this.#sharedRoom = this.#room;
    for (const key of this.#allowances.settle(this.#sharedRoom)) {
      if (this.#claimed.has(key)) this.#claim(key);
      else this.#dirty.add(key);
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

  #newAllowances(): Allowances {
    return new Allowances((key) => this.#cluster.service(key)?.createdAt ?? '');
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    if (this.#warned.size >= MAX_REMEMBERED_WARNINGS) this.#warned.clear();
    this.#warned.add(message);
    this.#log.warn(message);
  }
}

function describeShort({ elements }: BoundedFrontends): string {
  return (
    'all Services ask for more elements than this node has memory for, and older ones come first: ' +
    `${elements === 0 ? 'it is not served' : 'some of its endpoints are not used'}. Give kube-proxy-nft more memory, or ` +
    'see --max-elements'
  );
}

/** Bounds the memory for warnings given already; past it some are given again. */
const MAX_REMEMBERED_WARNINGS = 1000;
