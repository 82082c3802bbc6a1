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

/** Milliseconds. Our own commits are held back for a listing for at most this long. */
const HOLD = 2_000;

export interface ElementsAuditorOptions {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly flights: Flights;
  /** Shared by the families. */
  readonly commits: Commits;
  /** Called with the cost of each listing, in milliseconds of CPU time. */
  readonly onCost: (cost: number) => void;
}

/** What to look at, and how. */
export interface ElementsLook {
  readonly table: TableName;
  /** One set or map; undefined: all of them. */
  readonly setOrMap: SetOrMap | undefined;
  /** Seconds until nft is killed. */
  readonly timeout: number;
  /** Whether our own commits are held back while nft reads. Each commit would make nft start again. */
  readonly isHeld: boolean;
}

/** A listing of a set or map that was correct. */
interface Right {
  readonly table: TableName;
  readonly ruleset: Ruleset;
  /** See Flights. */
  readonly changes: number;
  readonly digest: string;
}

/** Compares the elements in the kernel with the model. */
export class ElementsAuditor {
  readonly #options: ElementsAuditorOptions;
  /**
   * The last correct listing of each set or map. If a listing has the same text, and we changed nothing in between, it need
   * not be parsed.
   */
  readonly #right = new Map<SetOrMap, Right>();

  constructor(options: ElementsAuditorOptions) {
    this.#options = options;
  }

  /**
   * Returns what differs in two consecutive looks, without what our own transactions have touched in the meantime.
   * `recording`: these transactions since before the first look.
   * @throws NftError, also if the table does not exist
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
    // The model may have changed in the meantime.
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
      // nft reads everything before it prints anything.
      return await lookAtElements(nft, model.program, table, setOrMap, { timeout, known, onFirst: release });
    } finally {
      release();
    }
  }

  /**
   * The digest of the last correct listing, if it still applies. It is removed here, because this look may fail or find a
   * difference.
   */
  #takeDigest(setOrMap: SetOrMap, now: Omit<Right, 'digest'>): string | undefined {
    const right = this.#right.get(setOrMap);
    this.#right.delete(setOrMap);
    const isSame = right?.table === now.table && right.ruleset === now.ruleset && right.changes === now.changes;
    return isSame && now.ruleset.inKernel(setOrMap).isAtRest ? right.digest : undefined;
  }
}
