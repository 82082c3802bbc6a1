import type { ElementDifference } from '../audit/drift.ts';
import { elementDifferences, isDifferent, isSameFinding } from '../audit/element-differences.ts';
import type { Nft } from '../nft/nft.ts';
import { MAX_KNOWN } from '../nft/run.ts';
import { lookAtElements } from '../nft/table-look.ts';
import type { TableName } from '../nft/tables.ts';
import type { Container } from '../ruleset/elements/set-or-map.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import { decidingContainers } from '../ruleset/program/sets-and-maps.ts';
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
  readonly container: Container | undefined;
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
  readonly #right = new Map<Container, Right>();

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
    const seen = new Map(first.map((one) => [`${one.container.name} ${one.key}`, one]));
    const second = await this.#compare(look, recording);
    return second.filter((one) => {
      const before = seen.get(`${one.container.name} ${one.key}`);
      return before !== undefined && isSameFinding(one, before);
    });
  }

  async #compare(look: ElementsLook, recording: Recording): Promise<readonly ElementDifference[]> {
    const { model, flights, onCost } = this.#options;
    const { ruleset, program } = model;
    const { table, container } = look;
    const changes = container === undefined ? 0 : flights.changesOf(container);
    const known = container && this.#takeDigest(container, { table, ruleset, changes });
    const { contents, digest, size } = await this.#list(look, known);
    onCost(listingCost(size, contents !== undefined));
    if (contents === undefined) {
      if (container !== undefined) this.#right.set(container, { table, ruleset, changes, digest });
      return [];
    }
    const found: ElementDifference[] = [];
    for (const each of container === undefined ? decidingContainers(program) : [container]) {
      const listed = contents.elements.filter((element) => element.container === each);
      found.push(...(await inSlices(elementDifferences(each, listed, ruleset.inKernel(each)))));
    }
    // The model may have gone on meanwhile.
    if (model.ruleset !== ruleset) return [];
    if (container !== undefined && found.length === 0 && size <= MAX_KNOWN) {
      const isSettled = ruleset.inKernel(container).isAtRest && changes === flights.changesOf(container);
      if (isSettled) this.#right.set(container, { table, ruleset, changes, digest });
    }
    const views = new Map(found.map((one) => [one.container, ruleset.inKernel(one.container)]));
    return found.filter((one) => {
      const view = views.get(one.container);
      return view !== undefined && isDifferent(one, view) && !recording.touches(one.container, one.key);
    });
  }

  async #list({ table, container, timeout, isHeld }: ElementsLook, known: string | undefined) {
    const { model, nft, commits } = this.#options;
    const release = isHeld ? await commits.hold(HOLD) : () => undefined;
    try {
      // nft has read all before it prints anything.
      return await lookAtElements(nft, model.program, table, container, { timeout, known, onFirst: release });
    } finally {
      release();
    }
  }

  /** The digest of what was right, if that is right still. It is forgotten: the next look may fail, or find something. */
  #takeDigest(container: Container, now: Omit<Right, 'digest'>): string | undefined {
    const right = this.#right.get(container);
    this.#right.delete(container);
    const isSame = right?.table === now.table && right.ruleset === now.ruleset && right.changes === now.changes;
    return isSame && now.ruleset.inKernel(container).isAtRest ? right.digest : undefined;
  }
}
