import { type Frontend, frontendKey } from './frontend.ts';

/** A frontend that two Services want. Only the winner gets it. */
export interface ClaimConflict {
  readonly winner: Frontend;
  readonly loser: Frontend;
}

/** What a Service's change did to the frontends that are in force. */
export interface ClaimResult {
  /** The Services whose frontends in force may have changed, the changed one first. */
  readonly concerned: readonly string[];
  /** Conflicts that the changed Service is part of. */
  readonly conflicts: readonly ClaimConflict[];
}

/** All that one Service claims. */
interface Claim {
  readonly serviceKey: string;
  readonly createdAt: string;
  readonly frontends: readonly Frontend[];
  /** True if another Service ever claimed one of them, too. */
  isContested: boolean;
}

/**
 * Decides which Service gets a frontend that several claim: the one created first, then by key. Without a winner
 * one address and port would be two elements with one key, and nft would refuse the whole transaction.
 * Cost of a change: the number of the Service's own frontends.
 */
export class FrontendClaims {
  readonly #byService = new Map<string, Claim>();
  /** Frontend key → its one claim, or several, best first. */
  readonly #byFrontend = new Map<string, Claim | readonly Claim[]>();

  /** Replaces what a Service claims. An empty list withdraws it. `createdAt`: metadata.creationTimestamp. */
  claim(serviceKey: string, createdAt: string, frontends: readonly Frontend[]): ClaimResult {
    const concerned = new Set([serviceKey]);
    const previous = this.#byService.get(serviceKey);
    for (const frontend of previous?.frontends ?? []) {
      const key = frontendKey(frontend);
      const others = this.#claimsOf(key).filter((claim) => claim !== previous);
      this.#setClaims(key, others);
      for (const other of others) concerned.add(other.serviceKey);
    }
    const conflicts: ClaimConflict[] = [];
    const claim: Claim = { serviceKey, createdAt, frontends, isContested: false };
    for (const frontend of frontends) {
      const key = frontendKey(frontend);
      const others = this.#claimsOf(key);
      const all = others.length === 0 ? [claim] : [...others, claim].sort(byAge);
      this.#setClaims(key, all);
      for (const other of others) {
        concerned.add(other.serviceKey);
        const [best, rest] = all[0] === claim ? [claim, other] : [all[0] ?? other, claim];
        for (const winner of wanted(best, key))
          for (const loser of wanted(rest, key)) conflicts.push({ winner, loser });
      }
    }
    if (frontends.length === 0) this.#byService.delete(serviceKey);
    else this.#byService.set(serviceKey, claim);
    return { concerned: [...concerned], conflicts };
  }

  /** The frontends of a Service that are in force: those it claims and no older Service does. */
  held(serviceKey: string): readonly Frontend[] {
    const claim = this.#byService.get(serviceKey);
    if (claim === undefined) return [];
    if (!claim.isContested) return claim.frontends;
    return claim.frontends.filter((frontend) => this.#claimsOf(frontendKey(frontend))[0] === claim);
  }

  #claimsOf(key: string): readonly Claim[] {
    const claims = this.#byFrontend.get(key) ?? [];
    return 'serviceKey' in claims ? [claims] : claims;
  }

  #setClaims(key: string, claims: readonly Claim[]): void {
    const [first] = claims;
    if (claims.length > 1) for (const claim of claims) claim.isContested = true;
    if (first === undefined) this.#byFrontend.delete(key);
    else this.#byFrontend.set(key, claims.length === 1 ? first : claims);
  }
}

function wanted({ frontends }: Claim, key: string): readonly Frontend[] {
  return frontends.filter((frontend) => frontendKey(frontend) === key);
}

function byAge(a: Claim, b: Claim): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.serviceKey < b.serviceKey ? -1 : 1;
}
