import { Draws } from './draws.ts';
import { FLAG_SETS } from './flag-sets.ts';
import { type Finding, Judge } from './judge.ts';
import type { PeerPrograms } from './programs.ts';
import { type Edit, RandomCluster, type Step } from './random-cluster.ts';
import { type Reduced, reduce } from './reduction.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Changes of each cluster, in the mean. */
  readonly steps: number;
  readonly log: (line: string) => void;
}

/** So many clusters run with the same flags: other flags mean that both proxies start anew. */
const OF_SAME_FLAGS = 8;

/** Random clusters, one after another, by number; each is the same for the same seed and number. */
export class Campaign {
  readonly #programs: PeerPrograms;
  readonly #options: CampaignOptions;
  readonly #started = performance.now();
  #judge: Judge;
  #clusters = 0;
  #findings = 0;
  #failures = 0;

  private constructor(programs: PeerPrograms, judge: Judge, options: CampaignOptions) {
    this.#programs = programs;
    this.#judge = judge;
    this.#options = options;
  }

  static async create(programs: PeerPrograms, options: CampaignOptions): Promise<Campaign> {
    return new Campaign(programs, await Judge.create(programs), options);
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
    try {
      return await this.#run(number);
    } catch (error) {
      this.#failures += 1;
      this.#options.log(
        `FAILED: cluster ${number}, seed ${this.#options.seed}: ${error instanceof Error ? error.stack : error}`,
      );
      throw error;
    }
  }

  /** As run, but after a failure (a program that ended, rules that never came) it begins anew. */
  async runOn(number: number): Promise<void> {
    try {
      await this.run(number);
    } catch {
      // It has been told and counted.
      const { tally } = this.#judge;
      await this.end().catch((error: unknown) => this.#options.log(`at the end: ${error}`));
      this.#judge = await Judge.create(this.#programs, tally);
    }
  }

  async #run(number: number): Promise<readonly Finding[]> {
    const { seed, steps } = this.#options;
    const found: Finding[] = [];
    const draws = new Draws(seed, number);
    // Their number depends on what is answered: they must not change what comes.
    const asking = new Draws(seed, number, 1);
    const flags = new Draws(seed, Math.floor(number / OF_SAME_FLAGS), 77).pick(FLAG_SETS);
    const cluster = new RandomCluster(draws);
    const first: Step = { edits: [...this.leavings(asking), ...cluster.first()] };
    await this.judge.forgetFlows();
    const count = draws.between(1, Math.max(2 * steps - 1, 1));
    await this.judge.useFlags(flags);
    for (let i = 0; i < count && found.length === 0; i++) {
      found.push(...(await this.judge.take(i === 0 ? first : cluster.next(), asking)));
      for (const finding of found) this.#report(number, i, finding);
    }
    // Nothing after the first difference says much: what led to it is still there.
    const [typical] = found.filter(({ question, openFlow }) => question !== undefined && openFlow === undefined);
    if (typical !== undefined) this.#reportReduced(await reduce(this.judge, typical));
    this.#clusters += 1;
    this.#log(number);
    return found;
  }

  async end(): Promise<void> {
    const { refusals } = this.judge.state;
    for (const [message, times] of refusals) this.#options.log(`refused by the API server ${times} times: ${message}`);
    await this.judge.end();
  }

  /** What removes the cluster before, in any order. */
  leavings(draws: Draws): readonly Edit[] {
    const removals = this.judge.state.objects
      .filter(({ kind }) => kind !== 'Node')
      .map(({ kind, metadata }): Edit => ({ remove: [kind, metadata.name] }));
    return draws.sample(removals, removals.length);
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
    const { tally, proxies } = this.judge;
    const known = [...tally.known].map(([name, times]) => `${times} × ${name}`).join(', ');
    const seconds = (performance.now() - this.#started) / 1000;
    this.#options.log(
      `cluster ${cluster}: ${this.#clusters} clusters, ${tally.steps} steps, ${tally.connections} connections, ${tally.openFlows} open flows, ` +
        `${tally.healthAnswers} health answers in ${seconds.toFixed(0)} s; ${this.#findings} unexplained, ${this.#failures} failed, ${tally.late} late; ` +
        `${[...tally.seconds].map(([phase, spent]) => `${phase} ${spent.toFixed(0)} s`).join(', ')}; ` +
        `known: ${known || 'none'}; restarts ${proxies.ours.restarts} ours, ${proxies.theirs.restarts} theirs`,
    );
  }
}
