import { Draws } from './draws.ts';
import { FLAG_SETS } from './flag-sets.ts';
import { type Finding, Judge } from './judge.ts';
import type { PeerPrograms } from './programs.ts';
import { RandomCluster, type Step } from './random-cluster.ts';
import { type Reduced, reduce } from './reduction.ts';
import { newTally, tallyText } from './tally.ts';
import { TwoNodes } from './two-nodes.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Changes of each cluster, in the mean. */
  readonly steps: number;
  readonly log: (line: string) => void;
}

/** So many clusters run with the same flags: other flags mean that both proxies start anew. */
const OF_SAME_FLAGS = 8;

/** Of so many clusters one has annotations of ours. */
const ANNOTATED = 2;

/** Random clusters, one after another, by number; each is the same for the same seed and number. */
export class Campaign {
  readonly #programs: PeerPrograms;
  readonly #options: CampaignOptions;
  readonly #started = performance.now();
  readonly #tally = newTally();
  #judge: Judge;
  #clusters = 0;
  #findings = 0;
  #failures = 0;

  private constructor(programs: PeerPrograms, options: CampaignOptions, nodes: TwoNodes) {
    this.#programs = programs;
    this.#options = options;
    this.#judge = new Judge(nodes, this.#tally);
  }

  static async create(programs: PeerPrograms, options: CampaignOptions): Promise<Campaign> {
    return new Campaign(programs, options, await TwoNodes.create(programs));
  }

  get judge(): Judge {
    return this.#judge;
  }

  /** True where nothing was found and nothing failed, so far. */
  get isClean(): boolean {
    return this.#findings === 0 && this.#failures === 0;
  }

  /** Runs one cluster from its beginning to its end, or to the first difference that nothing explains. */
  async run(number: number): Promise<readonly Finding[]> {
    const { seed, steps } = this.#options;
    const { nodes } = this.#judge;
    const found: Finding[] = [];
    const draws = new Draws(seed, number);
    // Their number depends on what is answered: they must not change what comes.
    const probing = new Draws(seed, number, 1);
    const flags = new Draws(seed, Math.floor(number / OF_SAME_FLAGS), 77).pick(FLAG_SETS);
    const annotating = number % ANNOTATED === 1 ? new Draws(seed, number, 2) : undefined;
    const cluster = new RandomCluster(draws, annotating);
    const first: Step = { edits: [...nodes.state.removals(probing), ...cluster.first()] };
    const count = draws.between(1, Math.max(2 * steps - 1, 1));
    await this.#judge.forget();
    await nodes.useFlags(flags);
    for (let i = 0; i < count && found.length === 0; i++) {
      found.push(...(await this.#judge.take(i === 0 ? first : cluster.next(), probing)));
      for (const finding of found) this.#report(number, i, finding);
    }
    // Nothing after the first difference says much: what led to it is still there.
    const typical = found.find(
      (one) => one.connection !== undefined && one.openFlow === undefined && one.boundTo === undefined,
    );
    if (typical !== undefined) this.#reportReduced(await reduce(this.#judge, typical));
    this.#clusters += 1;
    this.#log(number);
    return found;
  }

  /** As run, but where it fails (a program that ended, rules that never came) all is set up anew, and it gets a second chance. */
  async runOn(number: number): Promise<void> {
    for (const isLast of [false, true]) {
      try {
        await this.run(number);
        return;
      } catch (error) {
        const text = error instanceof Error ? error.stack : String(error);
        this.#options.log(`FAILED: cluster ${number}, seed ${this.#options.seed}: ${text}`);
        if (isLast) this.#failures += 1;
        await this.end().catch((problem: unknown) => this.#options.log(`at the end: ${problem}`));
        this.#judge = new Judge(await TwoNodes.create(this.#programs), this.#tally);
      }
    }
  }

  async end(): Promise<void> {
    const { refusals } = this.#judge.nodes.state;
    for (const [message, times] of refusals) this.#options.log(`refused by the API server ${times} times: ${message}`);
    await this.#judge.nodes.end();
  }

  #report(cluster: number, step: number, finding: Finding): void {
    this.#findings += 1;
    const { what, ours, theirs, flags, edits, objects } = finding;
    this.#options.log(
      [
        `DIFFERENCE in step ${step} of cluster ${cluster}, seed ${this.#options.seed}: ${what}`,
        `  ours: ${ours.join(' | ')}`,
        `  theirs: ${theirs.join(' | ')}`,
        `  flags: ${flags.join(' ')}`,
        `  last edits: ${JSON.stringify(edits)}`,
        `  objects: ${JSON.stringify(objects)}`,
      ].join('\n'),
    );
  }

  #reportReduced({ objects }: Reduced): void {
    this.#options.log(
      objects === undefined
        ? '  not from these objects alone: it takes the changes before'
        : `  REDUCED: ${JSON.stringify(objects)}`,
    );
  }

  #log(cluster: number): void {
    const { ours, theirs } = this.#judge.nodes.proxies;
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(0);
    this.#options.log(
      `cluster ${cluster}: ${this.#clusters} clusters in ${seconds} s; ${this.#findings} unexplained, ${this.#failures} failed; ` +
        `${tallyText(this.#tally)}; ended by themselves: ours ${ours.restarts}, theirs ${theirs.restarts} times`,
    );
  }
}
