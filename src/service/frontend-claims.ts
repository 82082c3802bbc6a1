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

interface Claim {
  readonly serviceKey: string;
  readonly createdAt: string;
  readonly frontend: Frontend;
}

/**
 * Decides which Service gets a frontend that several claim: the one created first, then by key. Without a winner
 * one address and port would be two elements with one key, and nft would refuse the whole transaction.
 * Cost of a change: the number of the Service's own frontends.
 */
export class FrontendClaims {
  readonly #byService = new Map<string, readonly Claim[]>();
  /** Frontend key → claims, best first. */
  readonly #byFrontend = new Map<string, readonly Claim[]>();

  /** Replaces what a Service claims. An empty list withdraws it. `createdAt`: metadata.creationTimestamp. */
  claim(serviceKey: string, createdAt: string, frontends: readonly Frontend[]): ClaimResult {
    const concerned = new Set([serviceKey]);
    for (const { frontend } of this.#byService.get(serviceKey) ?? []) {
      const key = frontendKey(frontend);
      const others = (this.#byFrontend.get(key) ?? []).filter((claim) => claim.serviceKey !== serviceKey);
      if (others.length === 0) this.#byFrontend.delete(key);
      else this.#byFrontend.set(key, others);
      for (const other of others) concerned.add(other.serviceKey);
    }
    const conflicts: ClaimConflict[] = [];
    const claims = frontends.map((frontend) => ({ serviceKey, createdAt, frontend }));
    for (const claim of claims) {
      const key = frontendKey(claim.frontend);
      const others = this.#byFrontend.get(key);
      const all = others === undefined ? [claim] : [...others, claim].sort(byAge);
      this.#byFrontend.set(key, all);
      for (const other of others ?? []) {
        concerned.add(other.serviceKey);
        const [winner, loser] = all[0] === claim ? [claim, other] : [all[0] ?? other, claim];
        conflicts.push({ winner: winner.frontend, loser: loser.frontend });
      }
    }
    if (claims.length === 0) this.#byService.delete(serviceKey);
    else this.#byService.set(serviceKey, claims);
    return { concerned: [...concerned], conflicts };
  }

  /** The frontends of a Service that are in force: those it claims and no older Service does. */
  held(serviceKey: string): readonly Frontend[] {
    return (this.#byService.get(serviceKey) ?? [])
      .filter((claim) => this.#byFrontend.get(frontendKey(claim.frontend))?.[0]?.serviceKey === serviceKey)
      .map(({ frontend }) => frontend);
  }
}

function byAge(a: Claim, b: Claim): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.serviceKey < b.serviceKey ? -1 : 1;
}
