import type { Family } from '../ip.ts';
import { AFFINITY_SERVICES, affinityEndpoints, DEFAULT_AFFINITY_ENDPOINTS } from '../service/affinity-endpoints.ts';
import { Allowances } from '../service/allowances.ts';
import type { Frontend } from '../service/frontend.ts';
import type { ShortfallReason } from '../service/shortfall.ts';
import type { Shortfalls } from './shortfalls.ts';

/** How session affinity is kept, and where affinity by hash is reported. */
export interface AffinityListsOptions {
  /** Endpoints of one Service that may have lists of clients. Default: DEFAULT_AFFINITY_ENDPOINTS. */
  readonly limit?: number | undefined;
  readonly shortfalls: Shortfalls;
  /** metadata.creationTimestamp of a Service ("namespace/name"), or empty. */
  readonly createdAt: (service: string) => string;
  /** Whether the rules currently select this frontend's endpoints by the client's address. */
  readonly picksByClient: (frontend: Frontend) => boolean;
}

/** Decides which Services of a family get lists of clients for session affinity, and which select an endpoint by hash. */
export class AffinityLists {
  readonly #family: Family;
  readonly #limit: number;
  readonly #options: AffinityListsOptions;
  readonly #allowances: Allowances;

  constructor(family: Family, options: AffinityListsOptions) {
    this.#family = family;
    this.#limit = options.limit ?? DEFAULT_AFFINITY_ENDPOINTS;
    this.#options = options;
    this.#allowances = new Allowances(options.createdAt);
  }

  /**
   * Returns the frontends of a Service with the decision applied. A Service above the limit gets lists again only when it
   * has fallen below half of it. Otherwise each added or removed endpoint could move its clients.
   */
  decide(service: string, frontends: readonly Frontend[]): readonly Frontend[] {
    const { shortfalls, picksByClient } = this.#options;
    const count = affinityEndpoints(frontends);
    const isLarge = count > this.#limit || (count > 0 && 2 * count >= this.#limit && frontends.some(picksByClient));
    this.#allowances.set(service, isLarge ? 0 : count);
    const byHash = isLarge || this.#allowances.of(service) < count;
    const [first] = byHash ? frontends : [];
    const report = (reason: ShortfallReason, message: string | undefined) =>
      shortfalls.report({ kind: 'Service', key: service }, reason, message, this.#family);
    const isSticky = first?.affinitySeconds !== undefined;
    report('affinity-by-hash', isSticky ? describe(count, this.#limit, isLarge) : undefined);
    const isBounded = first?.maxConnections !== undefined;
    report('max-connections', isBounded ? describeUnbounded(count, this.#limit, isLarge) : undefined);
    if (!byHash) return frontends;
    return frontends.map(({ maxConnections: _, ...frontend }) =>
      isSticky ? { ...frontend, affinityByHash: true } : frontend,
    );
  }

  /** Distributes the lists that all Services may have together. Returns the Services whose decision may change. */
  shareOut(): readonly string[] {
    return this.#allowances.settle(this.#limit * AFFINITY_SERVICES);
  }
}

function describeUnbounded(count: number, limit: number, isLarge: boolean): string {
  const why = isLarge
    ? `it has ${count} endpoints, and has or recently had more than ${limit}`
    : 'older Services use up all chains of endpoints';
  return `kube-proxy-nft/max-connections has no effect: ${why}. See --max-affinity-endpoints`;
}

function describe(count: number, limit: number, isLarge: boolean): string {
  const why = isLarge
    ? `it has session affinity and ${count} endpoints, and has or recently had more than ${limit}`
    : 'it has session affinity, and older Services use up all lists of clients';
  return (
    `${why}. A client's address selects its endpoint, without a timeout, and some clients move when endpoints are added ` +
    'or removed. See --max-affinity-endpoints'
  );
}
