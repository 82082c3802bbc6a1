import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AheadClock } from '../../builders/ahead-clock.ts';
import { AnswerJudge } from './answer-judge.ts';
import { ClientHashes } from './client-hashes.ts';
import { type ExpectationLine, parseExpectation } from './expectation.ts';
import { disagreement, type Judge, probesOf } from './judge.ts';
import { KernelJudge } from './kernel-judge.ts';
import { Pipeline } from './pipeline.ts';
import { EIGHTH } from './slow-start-time.ts';
import { TracerJudge } from './tracer-judge.ts';

/** One world and the one proxy that runs on its node, for all scenarios of a file. */
export class Stage {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-scenarios-'));
  readonly #kernel: KernelJudge;
  readonly #clock = new AheadClock();
  #hashes = new ClientHashes();
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
    this.#hashes = new ClientHashes();
    if (this.#running !== undefined && isDeepStrictEqual(this.#running.flags, flags)) return this.#running.pipeline;
    return this.#begin(flags);
  }

  /** Ends the proxy; another one with the same flags and objects finds its rules. */
  async restart(): Promise<Pipeline> {
    const { flags, pipeline } = this.#current;
    const { objects } = pipeline;
    const next = await this.#begin(flags);
    await next.replaceAll(objects);
    return next;
  }

  /** So many eighths of a slow start of an hour pass at once. */
  async pass(eighths: number): Promise<void> {
    this.#clock.skipPeriods(eighths, EIGHTH);
    await this.#current.pipeline.catchUp();
  }

  /** What the judges see otherwise, a line each: all probes go to the tracer, to `trace --live`, then to the kernel. */
  async disagreements(lines: readonly ExpectationLine[]): Promise<readonly string[]> {
    const { pipeline } = this.#current;
    const judges: readonly Judge[] = [new TracerJudge(pipeline.models), new AnswerJudge(pipeline), this.#kernel];
    const probes = lines.flatMap((line) => probesOf(parseExpectation(line)));
    const found: string[] = [];
    for (const judge of judges) {
      const seen = await judge.judge(probes);
      for (const [i, probe] of probes.entries()) {
        const its = seen[i] ?? new Map();
        found.push(...[disagreement(judge, probe, its) ?? []].flat());
        if (probe.expectation.hashed) found.push(...this.#hashes.disagreements(probe, its));
      }
    }
    return found;
  }

  get #current() {
    if (this.#running === undefined) throw new Error('nothing runs on the stage');
    return this.#running;
  }

  async #begin(flags: readonly string[]): Promise<Pipeline> {
    await this.#running?.pipeline.stop();
    const namespace = this.#kernel.world.namespace('node');
    const pipeline = new Pipeline(namespace, this.#directory, flags, this.#clock);
    this.#running = { flags, pipeline };
    return pipeline;
  }

  async remove(): Promise<void> {
    await this.#running?.pipeline.stop();
    await this.#kernel.remove();
    rmSync(this.#directory, { recursive: true });
  }
}
