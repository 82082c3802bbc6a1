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
import type { ResetFlags } from '../service/reset-option.ts';
import { type Cut, DEFAULT_SERVICE_BUDGET } from '../service/service-budget.ts';
import { serviceSize } from '../service/service-size.ts';
import type { ShortfallReason } from '../service/shortfall.ts';
import { mapInSteps, type Steps } from '../service/steps.ts';
import { TotalBudget } from '../service/total-budget.ts';
import { AffinityLists } from './affinity-lists.ts';
import { ConflictReports } from './conflict-reports.ts';
import { Shortfalls } from './shortfalls.ts';
import { SlowStarting } from './slow-starting.ts';

/** What limits the frontends, and where it is reported that one is not served. All options have a default. */
export interface AllowedFrontendsOptions {
  /**
   * Where Services that claim the same frontend are reported: one instance for both families. Default: one of its own, which
   * logs.
   */
  readonly conflicts?: ConflictReports;
  /** Where shortfalls are reported: one instance for both families. Default: one of its own, which logs. */
  readonly shortfalls?: Shortfalls;
  /** Elements that one Service may have. Default: DEFAULT_SERVICE_BUDGET. */
  readonly serviceBudget?: number;
  /** Elements that all Services together may have: one instance for both families. Default: no limit. */
  readonly totalBudget?: TotalBudget;
  /** How many elements may count connections: one instance for both families. Default: no limit. */
  readonly counting?: CountingBudget;
  /** Endpoints of one Service that may have lists of clients, for session affinity. Default: DEFAULT_AFFINITY_ENDPOINTS. */
  readonly affinityLimit?: number;
  /** For both, see Viewpoint. */
  readonly sourceRangesOnNodePorts?: boolean;
  readonly closesNodePorts?: boolean;
  /** See ResetFlags. Default: no. */
  readonly resetsLackRules?: boolean;
  /** Whether the rules currently select this frontend's endpoints by the client's address. Default: no. */
  readonly picksByClient?: (frontend: Frontend) => boolean;
  /** Which endpoints start slowly. Default: one of its own. */
  readonly slowStarting?: SlowStarting;
}

/**
 * What a Service may have: within its own budget and the total budget, and only the frontends it wins from other Services.
 */
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
  /**
   * Elements that only make weights exact. They come from what no Service needs, so a slow start takes nothing from another
   * Service.
   */
  readonly #spare: Allowances;
  readonly #onNodePorts: Pick<Viewpoint, 'sourceRangesOnNodePorts' | 'closesNodePorts'>;
  readonly #resets: Pick<ResetFlags, 'resetsLackRules'>;
  readonly #affinityLists: AffinityLists;
  readonly #slowStarting: SlowStarting;
  /** The budget at the last distribution. */
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
    this.#resets = { resetsLackRules: options.resetsLackRules ?? false };
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

  /** An estimate of how many elements a Service has, had, or requests. */
  sizeOf(serviceKey: string): number {
    const service = this.#cluster.service(serviceKey);
    const wanted = service === undefined ? 0 : serviceSize(service, this.#cluster.slicesOf(serviceKey));
    return Math.max(wanted, this.#claims.countOf(serviceKey));
  }

  /** True while everything fits that Services request. */
  get fit(): boolean {
    return this.#allowances.total <= this.#room && this.#spare.total <= this.#spareRoom;
  }

  /** True if not everything fits, and the budget is no longer what it was when it was distributed. */
  get hasOtherRoom(): boolean {
    if (this.#allowances.isShort && this.#room !== this.#sharedRoom) return true;
    const isShort = this.#spare.isShort || this.#spare.total > this.#spareRoom;
    return isShort && this.#spareRoom !== this.#sharedSpareRoom;
  }

  /** Computes the frontends of a Service, and decides who gets them. */
  *workOut(key: string): Steps<ClaimResult> {
    const { served, cut, lacking } = yield* this.#within(key);
    const frontends = this.#affinityLists.decide(key, served.frontends);
    const report = (reason: ShortfallReason, message: string | undefined) =>
      this.#shortfalls.report({ kind: 'Service', key }, reason, message, this.#family);
    report('annotation', annotationProblems(this.#cluster, key, frontends, this.#resets));
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

  /** Distributes the budget. Returns the Services that may have more or less than before. */
  shareOut(): readonly string[] {
    this.#totalBudget.demand(this.#family, this.#allowances.total, this.#spare.total);
    this.#sharedRoom = this.#room;
    this.#sharedSpareRoom = this.#spareRoom;
    const others = [...this.#allowances.settle(this.#sharedRoom), ...this.#spare.settle(this.#sharedSpareRoom)];
    return [...others, ...this.#affinityLists.shareOut()];
  }

  /** What all Services of this family may have together. What the kernel holds at the start always fits. */
  get #room(): number {
    return Math.max(this.#totalBudget.room(this.#family), this.adoptedSize);
  }

  get #spareRoom(): number {
    return Math.max(this.#totalBudget.spareRoom(this.#family), this.adoptedSize - this.#allowances.total);
  }

  /** The frontends that a Service may have, and what its own budget and the total budget leave out. */
  *#within(key: string): Steps<{ served: BoundedFrontends; cut?: Cut | undefined; lacking?: Lacking }> {
    const service = this.#cluster.service(key);
    const slices = this.#cluster.slicesOf(key);
    const wasServed = this.#claims.held(key).length > 0;
    const starts = yield* this.#slowStarting.startsOf(key, service, slices, this.#family, wasServed);
    if (service === undefined) {
      this.#allowances.set(key, 0);
      this.#spare.set(key, 0);
      return { served: NO_FRONTENDS };
    }
    const { nodeName, node, reserved, avoidedNodes, readsCilium } = this.#cluster;
    const from: Viewpoint = { nodeName, node, reserved, avoidedNodes, readsCilium, ...this.#onNodePorts };
    const within = (budget: number, mostSpare?: number) =>
      frontendSteps(service, slices, this.#family, from, budget, starts, mostSpare);
    const wanted = yield* within(this.#serviceBudget);
    const { elements, spare = 0, cut } = wanted;
    this.#allowances.set(key, elements - spare);
    this.#spare.set(key, spare);
    const allowed = this.#allowances.of(key);
    if (allowed < elements - spare) return { served: yield* within(allowed, 0), cut, lacking: 'endpoints' };
    const exact = this.#spare.of(key);
    if (exact < spare) return { served: yield* within(this.#serviceBudget, exact), cut, lacking: 'weights' };
    return { served: wanted, cut };
  }

  #describe(cut: Cut, frontends: readonly Frontend[]): string {
    const most = frontends.reduce((max, { endpoints }) => Math.max(max, endpoints.length), 0);
    const used = cut.endpoints ? [`each port uses at most ${most} of its endpoints`] : [];
    const weights = cut.weights ? ['the weights of its endpoints are less exact'] : [];
    const fewer = cut.slotsEach === undefined ? [] : [describeSlots(cut.slotsEach)];
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

/** Up to this many frontends, their keys are computed in one go. */
const FEW = 100;

/** What a Service has to do without if all Services together request too much. */
type Lacking = 'endpoints' | 'weights';

function describeShort({ elements, cut }: BoundedFrontends, lacking: Lacking): string {
  const some =
    lacking === 'weights'
      ? 'the weights of its endpoints are less exact'
      : cut?.slotsEach !== undefined
        ? describeTables(cut, cut.slotsEach)
        : 'some of its endpoints are not used';
  return (
    'all Services together need more elements than this node has memory for, and older ones come first: ' +
    `${elements === 0 ? 'it is not served' : some}. Give kube-proxy-nft more memory, or see --max-elements`
  );
}

/** Other nodes may have more memory, and so larger tables. */
function describeTables({ endpoints }: Cut, slotsEach: number): string {
  const fewer = endpoints ? ', some of its endpoints are not used' : '';
  return (
    `${describeSlots(slotsEach)}${fewer}, and a client may reach another endpoint than through other nodes, which may ` +
    'have more memory'
  );
}

function describeSlots(slotsEach: number): string {
  return `its hash tables have ${slotsEach} ${slotsEach === 1 ? 'slot' : 'slots'} for each endpoint`;
}

/** Bounds the memory for warnings already given. Beyond it, some may be repeated. */
const MAX_REMEMBERED_WARNINGS = 1000;
