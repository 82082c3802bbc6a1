import type { ElementDifference } from '../audit/drift.ts';
import { elementDifferences, isDifferent, isSameFinding } from '../audit/element-differences.ts';
import type { Nft } from '../nft/nft.ts';
import { MAX_KNOWN } from '../nft/run.ts';
import { lookAtElements } from '../nft/table-look.ts';
import type { TableName } from '../nft/tables.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import { decidingSetsAndMaps } from '../ruleset/program/sets-and-maps.ts';
import { listingCost } from './audit-budget.ts';
import type { Commits } from './commits.ts';
import type { FamilyModel } from './family-model.ts';
import type { Flights, Recording } from './flights.ts';
import { inSlices } from './slices.ts';

/** Milliseconds that our own commits are held back at most for a listing. */
const HOLD = 2_000;

export interface ElementsAuditorOptions {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly flights: Flights;
  /** Shared by the families. */
  readonly commits: Commits;
  /** Told what each listing cost: milliseconds of CPU time. */
  readonly onCost: (cost: number) => void;
}

/** What is looked at, and how. */
export interface ElementsLook {
  readonly table: TableName;
  /** One set or map; undefined: all. */
  readonly setOrMap: SetOrMap | undefined;
  /** Seconds until nft is ended. */
  readonly timeout: number;
  /** Whether our own commits are held back while nft reads, which begins anew with each of them. */
  readonly isHeld: boolean;
}

/** A listing of a set or map that was right. */
interface Right {
  readonly table: TableName;
  readonly ruleset: Ruleset;
  /** See Flights. */
  readonly changes: number;
  readonly digest: string;
}

/** Compares elements in the kernel with what they should be. */
export class ElementsAuditor {
  readonly #options: ElementsAuditorOptions;
  /** What is listed in the same text again, without a change of ours in between, is right again: it is not read. */
  readonly #right = new Map<SetOrMap, Right>();

  constructor(options: ElementsAuditorOptions) {
    this.#options = options;
  }

  /**
   * What differs in two looks one after the other, but for what our own transactions have touched meanwhile. `recording`:
   * those since before.
   * @throws NftError, also where the table is not there
   */
  async audit(look: ElementsLook, recording: Recording): Promise<readonly ElementDifference[]> {
    const first = await this.#compare(look, recording);
    if (first.length === 0) return [];
    const seen = new Map(first.map((one) => [`${one.setOrMap.name} ${one.key}`, one]));
    const second = await this.#compare(look, recording);
    return second.filter((one) => {
      const before = seen.get(`${one.setOrMap.name} ${one.key}`);
      return before !== undefined && isSameFinding(one, before);
    });
  }

  async #compare(look: ElementsLook, recording: Recording): Promise<readonly ElementDifference[]> {
    const { model, flights, onCost } = this.#options;
    const { ruleset, program } = model;
    const { table, setOrMap } = look;
    const changes = setOrMap === undefined ? 0 : flights.changesOf(setOrMap);
    const known = setOrMap && this.#takeDigest(setOrMap, { table, ruleset, changes });
    const { contents, digest, size } = await this.#list(look, known);
    onCost(listingCost(size, contents !== undefined));
    if (contents === undefined) {
      if (setOrMap !== undefined) this.#right.set(setOrMap, { table, ruleset, changes, digest });
      return [];
    }
    const found: ElementDifference[] = [];
    for (const each of setOrMap === undefined ? decidingSetsAndMaps(program) : [setOrMap]) {
      const listed = contents.elements.filter((element) => element.setOrMap === each);
      found.push(...(await inSlices(elementDifferences(each, listed, ruleset.inKernel(each)))));
    }
    // The model may have gone on meanwhile.
    if (model.ruleset !== ruleset) return [];
    if (setOrMap !== undefined && found.length === 0 && size <= MAX_KNOWN) {
      const isSettled = ruleset.inKernel(setOrMap).isAtRest && changes === flights.changesOf(setOrMap);
      if (isSettled) this.#right.set(setOrMap, { table, ruleset, changes, digest });
    }
    const views = new Map(found.map((one) => [one.setOrMap, ruleset.inKernel(one.setOrMap)]));
    return found.filter((one) => {
      const view = views.get(one.setOrMap);
      return view !== undefined && isDifferent(one, view) && !recording.touches(one.setOrMap, one.key);
    });
  }

  async #list({ table, setOrMap, timeout, isHeld }: ElementsLook, known: string | undefined) {
    const { model, nft, commits } = this.#options;
    const release = isHeld ? await commits.hold(HOLD) : () => undefined;
    try {
      // nft has read all before it prints anything.
      return await lookAtElements(nft, model.program, table, setOrMap, { timeout, known, onFirst: release });
    } finally {
      release();
    }
  }

  /** The digest of what was right, if that is right still. It is forgotten: the next look may fail, or find something. */
  #takeDigest(setOrMap: SetOrMap, now: Omit<Right, 'digest'>): string | undefined {
    const right = this.#right.get(setOrMap);
    this.#right.delete(setOrMap);
    const isSame = right?.table === now.table && right.ruleset === now.ruleset && right.changes === now.changes;
    return isSame && now.ruleset.inKernel(setOrMap).isAtRest ? right.digest : undefined;
  }
}
