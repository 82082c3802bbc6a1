import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AnswerJudge } from './answer-judge.ts';
import { type ExpectationLine, parseExpectation } from './expectation.ts';
import { disagreement, type Judge, probesOf } from './judge.ts';
import { KernelJudge } from './kernel-judge.ts';
import { Pipeline } from './pipeline.ts';
import { TracerJudge } from './tracer-judge.ts';

/** One world and the one proxy that runs on its node, for all scenarios of a file. */
export class Stage {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-scenarios-'));
  readonly #kernel: KernelJudge;
  #running: { readonly flags: readonly string[]; readonly pipeline: Pipeline } | undefined;

  private constructor(kernel: KernelJudge) {
    this.#kernel = kernel;
  }

  static async create(): Promise<Stage> {
    return new Stage(await KernelJudge.create());
  }

  get world(): KernelJudge['world'] {
    return this.#kernel.world;
  }

  /** The proxy with these flags: the one that runs already, or a new one, which finds what the last one left. */
  async pipeline(flags: readonly string[]): Promise<Pipeline> {
    this.#kernel.forgetBound();
    if (this.#running !== undefined && isDeepStrictEqual(this.#running.flags, flags)) return this.#running.pipeline;
    await this.#running?.pipeline.stop();
    const pipeline = new Pipeline(this.#kernel.world.namespace('node'), this.#directory, flags);
    this.#running = { flags, pipeline };
    return pipeline;
  }

  /** What the judges see otherwise, a line each: all probes go to the tracer, to `trace --live`, then to the kernel. */
  async disagreements(lines: readonly ExpectationLine[]): Promise<readonly string[]> {
    if (this.#running === undefined) throw new Error('nothing runs on the stage');
    const { pipeline } = this.#running;
    const judges: readonly Judge[] = [new TracerJudge(pipeline.models), new AnswerJudge(pipeline), this.#kernel];
    const probes = lines.flatMap((line) => probesOf(parseExpectation(line)));
    const found: string[] = [];
    for (const judge of judges) {
      const seen = await judge.judge(probes);
      found.push(...probes.flatMap((probe, i) => disagreement(judge, probe, seen[i] ?? new Map()) ?? []));
    }
    return found;
  }

  async remove(): Promise<void> {
    await this.#running?.pipeline.stop();
    await this.#kernel.remove();
    rmSync(this.#directory, { recursive: true });
  }
}
