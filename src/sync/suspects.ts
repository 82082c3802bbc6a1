import type { Family } from '../ip.ts';
import type { NftError } from '../nft/run.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import type { Transaction } from '../ruleset/model/transaction.ts';
import type { Frontend } from '../service/frontend.ts';
import type { AllowedFrontends } from './allowed-frontends.ts';
import { Quarantine } from './quarantine.ts';
import type { Shortfalls } from './shortfalls.ts';

/**
 * A transaction with this many element operations never meets nft's time limit, whatever they are. If it does, there is
 * another reason.
 */
const ALWAYS_FAST = 100;

export interface SuspectsOptions {
  readonly family: Family;
  readonly shortfalls: Shortfalls;
  /** The kernel is read again for both. */
  readonly ruleset: () => Ruleset;
  readonly allowed: () => AllowedFrontends;
}

/**
 * The frontends of a family that nft may refuse. After a transaction has failed, its frontends are no longer sent with
 * others. They are tried in groups of their own, which are halved until the culprits are isolated. The culprits are left
 * out.
 */
export class Suspects {
  readonly #options: SuspectsOptions;
  readonly #quarantine = new Quarantine();
  /** Left out → its Service, and why. */
  readonly #reasons = new Map<string, { readonly service: string; readonly why: string }>();
  /** The Services of the suspects. */
  readonly #services = new Set<string>();
  /** Frontends that took nft too long although they were alone → why nft was killed. */
  readonly #slowAlone = new Map<string, string>();
  /** Services whose outcome is known now. */
  #settled: string[] = [];
  /** True once nft did not survive one of the groups. */
  #endedNft = false;

  constructor(options: SuspectsOptions) {
    this.#options = options;
  }

  /** True while a group is to be tried. */
  get areThere(): boolean {
    return this.#quarantine.next !== undefined;
  }

  /** How many frontends the next group has. */
  get count(): number {
    return this.#quarantine.next?.length ?? 0;
  }

  /** True while a Service waits for an outcome. */
  concern(service: string): boolean {
    return this.#services.has(service);
  }

  /** The Services that have stopped waiting since the last call. */
  takeSettled(): readonly string[] {
    const settled = this.#settled;
    this.#settled = [];
    return settled;
  }

  /** Why nft must not get the next group: it is a single frontend that took nft too long before. */
  get slowAlone(): string | undefined {
    const [key = ''] = this.count === 1 ? (this.#quarantine.next ?? []) : [];
    return this.#slowAlone.get(key);
  }

  /**
   * True if the next group may be tried before a new table takes over. If nft dies over it, that table has to be made again.
   */
  get mayDelay(): boolean {
    return this.areThere && !this.#endedNft && this.slowAlone === undefined;
  }

  /**
   * Makes suspects of frontends that failed together (with `error`), in a transaction of `size` element operations. Returns
   * how many were not suspects before.
   */
  add(keys: readonly string[], error?: Pick<NftError, 'message' | 'isTooSlow'>, size = 0): number {
    const { ruleset, allowed } = this.#options;
    const added = this.#quarantine.suspect(keys);
    const [first] = keys;
    if (first !== undefined && keys.length === 1 && added.length === 1 && size > ALWAYS_FAST && error?.isTooSlow) {
      this.#slowAlone.set(first, error.message);
    }
    for (const key of added) {
      ruleset().suspect(key);
      const service = allowed().holderOf(key);
      if (service !== undefined) this.#services.add(service);
    }
    return added.length;
  }

  /**
   * False if a frontend is still left out. One that was left out, and has changed or is due for another try, becomes a
   * suspect.
   */
  admit(key: string, frontend: Frontend | undefined): boolean {
    const { ruleset } = this.#options;
    if (this.#quarantine.suspects.has(key)) {
      ruleset().suspect(key);
      return true;
    }
    if (!this.#quarantine.isHeld(key)) return true;
    if (frontend === undefined) {
      this.#quarantine.gone(key);
      this.#release(key);
      return true;
    }
    if (this.#quarantine.keepsOut(key, frontend)) return false;
    this.add([key]);
    return true;
  }

  /** The transaction that tries the next group. */
  transaction(): Transaction {
    return this.#options.ruleset().takeSuspects(this.#quarantine.next ?? []);
  }

  /** The kernel took it. */
  passed(): void {
    this.#endedNft = false;
    for (const key of this.#quarantine.passed()) {
      this.#slowAlone.delete(key);
      this.#options.ruleset().acquit(key);
      this.#release(key);
    }
    this.#settle();
  }

  /** nft died over the group, for whatever reason, in a table that was to take over. */
  endedNft(): void {
    this.#endedNft = true;
  }

  /** The kernel refused the group. `now`: milliseconds. A frontend that was tried alone is left out. */
  failed(now: number, why: string): void {
    const { ruleset, allowed } = this.#options;
    const culprit = this.#quarantine.failed(now, (key) => allowed().withKey(key));
    if (culprit === undefined) return;
    this.#slowAlone.delete(culprit);
    ruleset().withdraw(culprit);
    const service = allowed().holderOf(culprit) ?? '';
    this.#reasons.set(culprit, { service, why });
    this.#report(service);
    this.#settle();
  }

  /** Those left out that are due for another try. */
  due(now: number): readonly string[] {
    return this.#quarantine.due(now);
  }

  /** The kernel was read again. Previous reports are forgotten. */
  restart(): void {
    for (const key of this.#quarantine.suspects) this.#options.ruleset().suspect(key);
    for (const service of new Set([...this.#reasons.values()].map((reason) => reason.service))) this.#report(service);
  }

  #release(key: string): void {
    const reason = this.#reasons.get(key);
    this.#reasons.delete(key);
    if (reason !== undefined) this.#report(reason.service);
  }

  #settle(): void {
    if (this.areThere) return;
    this.#endedNft = false;
    this.#settled.push(...this.#services);
    this.#services.clear();
  }

  #report(service: string): void {
    const own = [...this.#reasons].filter(([, reason]) => reason.service === service);
    const [first] = own;
    const message =
      first &&
      `nft does not accept ${own.length} of its addresses and ports, such as ${first[0].trim()}: ${first[1].why}. ` +
        'All else is served. They are tried again after growing pauses of up to an hour, and when the Service changes';
    const { shortfalls, family } = this.#options;
    shortfalls.report({ kind: 'Service', key: service }, 'quarantined', message, family);
  }
}
