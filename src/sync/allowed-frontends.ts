import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { CountingBudget } from '../ruleset/model/counting-budget.ts';
import { MAX_ENDPOINTS } from '../ruleset/model/slots.ts';
import { Allowances } from '../service/allowances.ts';
import { annotationProblems } from '../service/annotation-problems.ts';
import type { Cluster } from '../service/cluster.ts';
import {
  type BoundedFrontends,
  type Frontend,
  frontendKey,
  frontendSteps,
  NO_FRONTENDS,
  type Viewpoint,
} from '../service/frontend.ts';
import { type ClaimResult, FrontendClaims } from '../service/frontend-claims.ts';
import { type Cut, DEFAULT_SERVICE_BUDGET } from '../service/service-budget.ts';
import { serviceSize } from '../service/service-size.ts';
import type { ShortfallReason } from '../service/shortfall.ts';
import { mapInSteps, type Steps } from '../service/steps.ts';
import { TotalBudget } from '../service/total-budget.ts';
import { AffinityLists } from './affinity-lists.ts';
import { ConflictReports } from './conflict-reports.ts';
import { Shortfalls } from './shortfalls.ts';
import { SlowStarting } from './slow-starting.ts';

/** By what frontends are allowed, and where it is told that one is not; all have a default. */
export interface AllowedFrontendsOptions {
  /** Where Services that want the same are told of: one for both families. Default: one of its own, to the log. */
  readonly conflicts?: ConflictReports;
  /** Where it is told what is not served as it asks: one for both families. Default: one of its own, to the log. */
  readonly shortfalls?: Shortfalls;
  /** Elements that one Service may have. Default: DEFAULT_SERVICE_BUDGET. */
  readonly serviceBudget?: number;
  /** Elements that all Services may have: one for both families. Default: without bound. */
  readonly totalBudget?: TotalBudget;
  /** How many elements may count connections: one for both families. Default: without bound. */
  readonly counting?: CountingBudget;
  /** Endpoints of one Service that may have lists of clients, for session affinity. Default: DEFAULT_AFFINITY_ENDPOINTS. */
  readonly affinityLimit?: number;
  /** Both: see Viewpoint. */
  readonly sourceRangesOnNodePorts?: boolean;
  readonly closesNodePorts?: boolean;
  /** Whether the rules choose the endpoints of a frontend by the client's address now. Default: they do not. */
  readonly picksByClient?: (frontend: Frontend) => boolean;
  /** Which endpoints begin slowly. Default: one of its own. */
  readonly slowStarting?: SlowStarting;
}

/** What a Service may have: within its own budget and that of all, and of what it shares with others what it wins. */
export class AllowedFrontends {
  readonly #cluster: Cluster;
  readonly #family: Family;
  readonly #log: Log;
  readonly #claims = new FrontendClaims();
  readonly #warned = new Set<string>();
  readonly #conflicts: ConflictReports;
  readonly #shortfalls: Shortfalls;
  readonly #serviceBudget: number;
  readonly #totalBudget: TotalBudget;
  readonly #allowances: Allowances;
  /** What makes weights exact: given only of what no Service needs, so that no slow start takes another Service away. */
  readonly #spare: Allowances;
  readonly #onNodePorts: Pick<Viewpoint, 'sourceRangesOnNodePorts' | 'closesNodePorts'>;
  readonly #affinityLists: AffinityLists;
  readonly #slowStarting: SlowStarting;
  /** What was shared out last. */
  #sharedRoom = Number.POSITIVE_INFINITY;
  #sharedSpareRoom = Number.POSITIVE_INFINITY;
  /** How many elements the kernel held when it was read. */
  adoptedSize = 0;

  constructor(cluster: Cluster, family: Family, options: AllowedFrontendsOptions, log: Log) {
    this.#cluster = cluster;
    this.#family = family;
    this.#log = log;
    this.#conflicts = options.conflicts ?? new ConflictReports({ log });
    this.#shortfalls = options.shortfalls ?? new Shortfalls({ log });
    this.#serviceBudget = options.serviceBudget ?? DEFAULT_SERVICE_BUDGET;
    this.#totalBudget = options.totalBudget ?? new TotalBudget(Number.POSITIVE_INFINITY);
    const { sourceRangesOnNodePorts = false, closesNodePorts = false } = options;
    this.#onNodePorts = { sourceRangesOnNodePorts, closesNodePorts };
    const createdAt = (key: string) => cluster.service(key)?.createdAt ?? '';
    this.#allowances = new Allowances(createdAt);
    this.#spare = new Allowances(createdAt);
    this.#slowStarting = options.slowStarting ?? new SlowStarting();
    const { affinityLimit: limit, picksByClient = () => false } = options;
    this.#affinityLists = new AffinityLists(family, { limit, shortfalls: this.#shortfalls, createdAt, picksByClient });
  }

  /** The frontends of a Service that are in force, or will be. */
  of(serviceKey: string): readonly Frontend[] {
    return this.#claims.held(serviceKey);
  }

  /** True if a Service claims a frontend. */
  has(serviceKey: string): boolean {
    return this.#claims.has(serviceKey);
  }

  /** The frontend with a key (see frontendKey) of the Service that has it. */
  withKey(key: string): Frontend | undefined {
    return this.#claims.holding(key)?.frontend;
  }

  /** The Service that has it. */
  holderOf(key: string): string | undefined {
    return this.#claims.holding(key)?.serviceKey;
  }

  /** About how many elements a Service has, or had, or asks for. */
  sizeOf(serviceKey: string): number {
    const service = this.#cluster.service(serviceKey);
    const wanted = service === undefined ? 0 : serviceSize(service, this.#cluster.slicesOf(serviceKey));
    return Math.max(wanted, this.#claims.countOf(serviceKey));
  }

  /** True while all that is asked for fits. */
  get fit(): boolean {
    return this.#allowances.total <= this.#room && this.#spare.total <= this.#spareRoom;
  }

  /** True if not all fits, and there is more or less room than when it was shared out. */
  get hasOtherRoom(): boolean {
    if (this.#allowances.isShort && this.#room !== this.#sharedRoom) return true;
    const isShort = this.#spare.isShort || this.#spare.total > this.#spareRoom;
    return isShort && this.#spareRoom !== this.#sharedSpareRoom;
  }

  /** Works out the frontends of a Service, and who gets them. */
  *workOut(key: string): Steps<ClaimResult> {
    const { served, cut, lacking } = yield* this.#within(key);
    const frontends = this.#affinityLists.decide(key, served.frontends);
    const report = (reason: ShortfallReason, message: string | undefined) =>
      this.#shortfalls.report({ kind: 'Service', key }, reason, message, this.#family);
    report('annotation', annotationProblems(this.#cluster, key, frontends));
    report('service-budget', cut && this.#describe(cut, frontends));
    report('total-budget', lacking && describeShort(served, lacking));
    const keys = frontends.length > FEW ? yield* mapInSteps(frontends, frontendKey) : frontends.map(frontendKey);
    const result = this.#claims.claim(key, this.#cluster.service(key)?.createdAt ?? '', frontends, keys);
    for (const conflict of result.conflicts) this.#conflicts.report(conflict);
    for (const { servicePort, endpoints } of frontends) {
      if (endpoints.length <= MAX_ENDPOINTS) continue;
      this.#warnOnce(
        `Service ${servicePort} has ${endpoints.length} endpoints; only ${MAX_ENDPOINTS} of them are used`,
      );
    }
    return result;
  }

  /** Shares out what there is; returns the Services that may have more or less than before. */
  shareOut(): readonly string[] {
    this.#totalBudget.demand(this.#family, this.#allowances.total, this.#spare.total);
    this.#sharedRoom = this.#room;
    this.#sharedSpareRoom = this.#spareRoom;
    const others = [...this.#allowances.settle(this.#sharedRoom), ...this.#spare.settle(this.#sharedSpareRoom)];
    return [...others, ...this.#affinityLists.shareOut()];
  }

  /** What all Services of this family may have. What the kernel holds at the start always fits. */
  get #room(): number {
    return Math.max(this.#totalBudget.room(this.#family), this.adoptedSize);
  }

  get #spareRoom(): number {
    return Math.max(this.#totalBudget.spareRoom(this.#family), this.adoptedSize - this.#allowances.total);
  }

  /** The frontends that a Service may have, what its own budget leaves out, and what that of all leaves out. */
  *#within(key: string): Steps<{ served: BoundedFrontends; cut?: Cut | undefined; lacking?: Lacking }> {
    const service = this.#cluster.service(key);
    const slices = this.#cluster.slicesOf(key);
    const starts = yield* this.#slowStarting.startsOf(key, service, slices, this.#family, this.#claims.held(key));
    if (service === undefined) {
      this.#allowances.set(key, 0);
      this.#spare.set(key, 0);
      return { served: NO_FRONTENDS };
    }
    const { nodeName, node, reserved, avoidedNodes, readsCilium } = this.#cluster;
    const from: Viewpoint = { nodeName, node, reserved, avoidedNodes, readsCilium, ...this.#onNodePorts };
    const within = (budget: number, mostSpare?: number) =>
      frontendSteps(service, slices, this.#family, from, budget, starts, mostSpare);
    const asked = yield* within(this.#serviceBudget);
    const { elements, spare = 0, cut } = asked;
    this.#allowances.set(key, elements - spare);
    this.#spare.set(key, spare);
    const allowed = this.#allowances.of(key);
    if (allowed < elements - spare) return { served: yield* within(allowed, 0), cut, lacking: 'endpoints' };
    const exact = this.#spare.of(key);
    if (exact < spare) return { served: yield* within(this.#serviceBudget, exact), cut, lacking: 'weights' };
    return { served: asked, cut };
  }

  #describe(cut: Cut, frontends: readonly Frontend[]): string {
    const most = frontends.reduce((max, { endpoints }) => Math.max(max, endpoints.length), 0);
    const used = cut.endpoints ? [`each port uses at most ${most} of its endpoints`] : [];
    const weights = cut.weights ? ['the weights of its endpoints are less exact'] : [];
    const fewer = cut.slotsEach === undefined ? [] : [`its hash tables have ${cut.slotsEach} slots for each endpoint`];
    const refused = cut.frontends ? ['some of its ports or addresses are not served'] : [];
    return (
      `its ports, addresses and endpoints need more than the ${this.#serviceBudget} elements that one Service may ` +
      `have: ${[...fewer, ...used, ...weights, ...refused].join(', ')}. Split it, or raise --max-elements-per-service`
    );
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    if (this.#warned.size >= MAX_REMEMBERED_WARNINGS) this.#warned.clear();
    this.#warned.add(message);
    this.#log.warn(message);
  }
}

/** Frontends of which the keys are made at once. */
const FEW = 100;

/** What a Service does not get all of where all together ask for too much. */
type Lacking = 'endpoints' | 'weights';

function describeShort({ elements }: BoundedFrontends, lacking: Lacking): string {
  const some =
    lacking === 'weights' ? 'the weights of its endpoints are less exact' : 'some of its endpoints are not used';
  return (
    'all Services together need more elements than this node has memory for, and older ones come first: ' +
    `${elements === 0 ? 'it is not served' : some}. Give kube-proxy-nft more memory, or see --max-elements`
  );
}

/** Bounds the memory for warnings given already; past it some are given again. */
const MAX_REMEMBERED_WARNINGS = 1000;
