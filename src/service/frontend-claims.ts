import { type Frontend, type FrontendKind, frontendKey } from './frontend.ts';
import { Ranking } from './ranking.ts';

/** A Service that claims a frontend, and what decides whether it gets it. */
export interface Claimant {
  /** "namespace/name". */
  readonly serviceKey: string;
  /** metadata.creationTimestamp. */
  readonly createdAt: string;
  /** The kind of frontend for this Service. */
  readonly kind: FrontendKind;
}

/**
 * A Service does not get what another one has. There is one conflict for each pair of winner and loser, however much they
 * share.
 */
export interface ClaimConflict {
  readonly winner: Claimant;
  readonly loser: Claimant;
  /** The first frontend they share. */
  readonly frontend: Pick<Frontend, 'address' | 'protocol' | 'port'>;
  /** How many they share. */
  readonly count: number;
}

/** How a change of a Service affected the frontends that are in force. */
export interface ClaimResult {
  /** The changed Service, then those that gained or lost a frontend. */
  readonly affected: readonly string[];
  /** The keys of the frontends that may have changed: those that the Service claimed before or claims now. */
  readonly frontends: readonly string[];
  /** What the changed Service does not get, and what it took from others. */
  readonly conflicts: readonly ClaimConflict[];
}

/** Everything that a Service claims. */
interface Claim {
  readonly createdAt: string;
  frontends: readonly Frontend[];
  /** Their keys, if there are so many that it takes time to compute them. */
  keys?: readonly string[];
  /** True if another Service has ever claimed one of them. */
  isContested: boolean;
  /** The frontends by key, once one of many was requested. */
  byKey?: ReadonlyMap<string, Frontend>;
}

/**
 * The order if several Services claim an address and port. A ClusterIP is allocated by the API server, so nobody gets it just
 * by requesting it. A load balancer's IP is set by a controller. An external IP is whatever a user writes. A node port has no
 * address, and only conflicts with node ports.
 */
const PRECEDENCE: Readonly<Record<FrontendKind, number>> = {
  'cluster-ip': 0,
  'load-balancer-ip': 1,
  'external-ip': 2,
  'node-port': 3,
};

/**
 * Decides which Service gets a frontend that several claim: by its kind (PRECEDENCE), then by creation time, then by key.
 * Without a winner, an address and port would be two elements with the same key, and nft would refuse the whole transaction.
 * The cost of a change is the number of the Service's own frontends, times the logarithm of how many Services claim the same
 * one.
 */
export class FrontendClaims {
  readonly #byService = new Map<string, Claim>();
  /** Frontend key → the one Service that claims it, or several. */
  readonly #byFrontend = new Map<string, Claimant | Ranking<Claimant>>();

  /**
   * Replaces what a Service claims. An empty list withdraws everything. `createdAt`: metadata.creationTimestamp. Of
   * frontends with the same key, only the first counts. `keys`: the keys of the frontends, for callers who have computed
   * them in steps.
   */
  claim(
    serviceKey: string,
    createdAt: string,
    frontends: readonly Frontend[],
    keys: readonly string[] = frontends.map(frontendKey),
  ): ClaimResult {
    const previous = this.#byService.get(serviceKey);
    if (previous?.createdAt === createdAt && areSameClaims(previous.frontends, frontends)) {
      previous.frontends = frontends;
      delete previous.byKey;
      return { affected: [serviceKey], frontends: keys, conflicts: [] };
    }
    const affected = new Set([serviceKey]);
    const before = previous === undefined ? [] : keysOf(previous);
    const holders = this.#withdraw(serviceKey, before);
    const claim = { createdAt, frontends, isContested: false, ...(keys.length > FEW && { keys }) };
    const conflicts = this.#enter(serviceKey, claim, keys, holders);
    for (const { winner, loser } of conflicts) if (winner.serviceKey === serviceKey) affected.add(loser.serviceKey);
    for (const [key, before] of holders) {
      const now = this.#holder(key);
      if (now?.serviceKey === before.serviceKey) continue;
      affected.add(before.serviceKey);
      if (now !== undefined) affected.add(now.serviceKey);
    }
    return { affected: [...affected], frontends: eachOnce(before, keys), conflicts };
  }

  /** The frontend in force for a key, and the Service that has it; undefined if nobody claims it. */
  holding(key: string): { readonly serviceKey: string; readonly frontend: Frontend } | undefined {
    const serviceKey = this.#holder(key)?.serviceKey;
    const claim = serviceKey === undefined ? undefined : this.#byService.get(serviceKey);
    const frontend = claim && frontendIn(claim, key);
    return serviceKey === undefined || frontend === undefined ? undefined : { serviceKey, frontend };
  }

  /** How many frontends a Service claims. */
  countOf(serviceKey: string): number {
    return this.#byService.get(serviceKey)?.frontends.length ?? 0;
  }

  /** True if a Service claims anything. */
  has(serviceKey: string): boolean {
    return this.#byService.has(serviceKey);
  }

  /** The frontends of a Service that are in force: those that it claims, without those that another Service wins. */
  held(serviceKey: string): readonly Frontend[] {
    const claim = this.#byService.get(serviceKey);
    if (claim === undefined) return [];
    if (!claim.isContested) return claim.frontends;
    return claim.frontends.filter((frontend) => this.#holder(frontendKey(frontend))?.serviceKey === serviceKey);
  }

  /** Returns who had each of the frontends. */
  #withdraw(serviceKey: string, keys: readonly string[]): ReadonlyMap<string, Claimant> {
    const holders = new Map<string, Claimant>();
    for (const key of keys) {
      const claimed = this.#byFrontend.get(key);
      if (claimed instanceof Ranking) {
        if (claimed.first !== undefined) holders.set(key, claimed.first);
        claimed.delete(serviceKey);
        if (claimed.size === 1 && claimed.first !== undefined) this.#byFrontend.set(key, claimed.first);
      } else if (claimed?.serviceKey === serviceKey) {
        holders.set(key, claimed);
        this.#byFrontend.delete(key);
      }
    }
    this.#byService.delete(serviceKey);
    return holders;
  }

  /** `holders`: who had the frontends that the Service claimed before. */
  #enter(
    serviceKey: string,
    claim: Claim,
    keys: readonly string[],
    holders: ReadonlyMap<string, Claimant>,
  ): readonly ClaimConflict[] {
    const { createdAt, frontends } = claim;
    if (frontends.length > 0) this.#byService.set(serviceKey, claim);
    // One object for all frontends of a kind, because a cluster has tens of thousands of them.
    const claimants = new Map<FrontendKind, Claimant>();
    const conflicts = new Map<string, { -readonly [K in keyof ClaimConflict]: ClaimConflict[K] }>();
    let place = 0;
    for (const frontend of frontends) {
      const { kind } = frontend;
      const own = claimants.get(kind) ?? { serviceKey, createdAt, kind };
      claimants.set(kind, own);
      const key = keys[place++] ?? '';
      const claimed = this.#byFrontend.get(key);
      if (claimed === undefined) {
        this.#byFrontend.set(key, own);
        continue;
      }
      const rivals = claimed instanceof Ranking ? claimed : this.#contest(key, claimed);
      const before = holders.get(key) ?? rivals.first;
      rivals.add(own);
      claim.isContested = true;
      const now = rivals.first ?? own;
      const [winner, loser] = now === own ? [own, before] : [now, own];
      if (loser === undefined || loser.serviceKey === winner.serviceKey) continue;
      const pair = `${winner.serviceKey} ${loser.serviceKey}`;
      const known = conflicts.get(pair);
      if (known === undefined) conflicts.set(pair, { winner, loser, frontend, count: 1 });
      else known.count++;
    }
    return [...conflicts.values()];
  }

  #contest(key: string, claimant: Claimant): Ranking<Claimant> {
    const rivals = new Ranking<Claimant>(ORDER);
    rivals.add(claimant);
    this.#byFrontend.set(key, rivals);
    const claim = this.#byService.get(claimant.serviceKey);
    if (claim !== undefined) claim.isContested = true;
    return rivals;
  }

  #holder(key: string): Claimant | undefined {
    const claimed = this.#byFrontend.get(key);
    return claimed instanceof Ranking ? claimed.first : claimed;
  }
}

const ORDER = {
  keyOf: ({ serviceKey }: Claimant) => serviceKey,
  comesBefore(a: Claimant, b: Claimant): boolean {
    const rank = PRECEDENCE[a.kind] - PRECEDENCE[b.kind];
    if (rank !== 0) return rank < 0;
    if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt;
    return a.serviceKey < b.serviceKey;
  },
};

/** Combines the results of two successive claims of a Service. */
export function bothOf(first: ClaimResult, second: ClaimResult): ClaimResult {
  return {
    affected: [...new Set([...first.affected, ...second.affected])],
    frontends: [...new Set([...first.frontends, ...second.frontends])],
    conflicts: second.conflicts,
  };
}

function eachOnce(some: readonly string[], others: readonly string[]): readonly string[] {
  if (some.length === 0) return others;
  return others.length === 0 ? some : [...new Set([...some, ...others])];
}

function keysOf({ keys, frontends }: Claim): readonly string[] {
  return keys ?? frontends.map(frontendKey);
}

/** Up to this many frontends of a Service are searched one by one. */
const FEW = 8;

function frontendIn(claim: Claim, key: string): Frontend | undefined {
  const { frontends } = claim;
  if (frontends.length <= FEW) return frontends.find((frontend) => frontendKey(frontend) === key);
  claim.byKey ??= firstByKey(keysOf(claim), frontends);
  return claim.byKey.get(key);
}

function firstByKey(keys: readonly string[], frontends: readonly Frontend[]): ReadonlyMap<string, Frontend> {
  const byKey = new Map<string, Frontend>();
  for (const [i, frontend] of frontends.entries()) {
    const key = keys[i] ?? '';
    if (!byKey.has(key)) byKey.set(key, frontend);
  }
  return byKey;
}

/** True if only endpoints and policies differ, as in most changes. */
function areSameClaims(some: readonly Frontend[], others: readonly Frontend[]): boolean {
  return (
    some.length === others.length &&
    some.every((a, i) => {
      const b = others[i];
      return a.port === b?.port && a.address === b.address && a.protocol === b.protocol && a.kind === b.kind;
    })
  );
}
