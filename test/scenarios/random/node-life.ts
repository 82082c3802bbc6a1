import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { FAMILIES } from '../../../src/ip.ts';
import { TABLE_NAMES } from '../../../src/nft/tables.ts';
import { AheadClock } from '../../builders/ahead-clock.ts';
import { AnswerJudge } from '../runner/answer-judge.ts';
import { KernelJudge } from '../runner/kernel-judge.ts';
import { node, type RawObject } from '../runner/objects.ts';
import { Pipeline } from '../runner/pipeline.ts';
import { EIGHTH } from '../runner/slow-start-time.ts';
import { FIRST_FLAGS, type Step } from './changes.ts';
import { FreshModels } from './fresh-models.ts';
import { disagreements } from './referee.ts';
import { known } from './reference.ts';
import { EIGHTHS, SlowStarts } from './slow-starts.ts';

/** Milliseconds. Here answers that should not come may be missed on a slow machine, but not be seen where none came. */
const SILENCE = 100;

/** Steps of which one has its traces compared with the kernel, which takes longer than all else. */
const LIVE_EVERY = 4;

/** A node in a world, with all that happens to it: objects, daemons, and their rules. */
export class NodeLife {
  readonly #kernel: KernelJudge;
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-random-'));
  readonly #objects = new Map<string, RawObject>();
  #flags = FIRST_FLAGS;
  #fresh = new FreshModels(FIRST_FLAGS);
  #pipeline: Pipeline | undefined;
  readonly #clock = new AheadClock();
  #slowStarts = new SlowStarts();
  #steps = 0;

  private constructor(kernel: KernelJudge) {
    this.#kernel = kernel;
  }

  static async create(): Promise<NodeLife> {
    return new NodeLife(await KernelJudge.create({ silence: SILENCE, comparesBound: false }));
  }

  /** Begins with an empty cluster, and what the life before has left. `anew`: there is nothing. */
  async begin(anew: boolean): Promise<void> {
    this.#objects.clear();
    this.#slowStarts = new SlowStarts();
    this.#set([node()]);
    if (anew) await this.#removeTables();
    if (this.#pipeline !== undefined && isDeepStrictEqual(this.#flags, FIRST_FLAGS)) {
      await this.#pipeline.replaceAll([...this.#objects.values()]);
    } else await this.#restart(FIRST_FLAGS);
  }

  /** Takes a step; gives what the judges do not agree on. */
  async take({ changes, restart, eighths, connections }: Step): Promise<readonly string[]> {
    if (!this.#slowStarts.areNone) await this.#pass(eighths);
    const before = new Set(this.#objects.keys());
    const touched = new Set<string>();
    for (const change of changes) {
      for (const key of 'set' in change ? this.#set(change.set) : this.#remove(change.remove)) touched.add(key);
    }
    if (restart !== undefined) await this.#restart(restart.flags ?? this.#flags);
    else {
      const set = [...touched].flatMap((key) => this.#objects.get(key) ?? []);
      const removed = [...touched].filter((key) => !this.#objects.has(key) && before.has(key));
      await this.#running.change(set, removed);
    }
    const objects = [...this.#objects.values()];
    const existed = (name: string) => before.has(`Service/${name}`);
    const isStart = restart !== undefined;
    if (this.#slowStarts.take(known(objects, this.#flags), existed, isStart)) await this.#pass(EIGHTHS);
    const { models } = this.#running;
    return disagreements(
      connections,
      {
        objects,
        flags: this.#flags,
        eighthsOf: this.#slowStarts.eighthsOf,
        models,
        fresh: this.#fresh,
        live: this.#steps++ % LIVE_EVERY === 0 ? new AnswerJudge(this.#running) : undefined,
      },
      this.#kernel,
    );
  }

  /** Everything that is needed to have this moment again. */
  describe(): string {
    return JSON.stringify({ flags: this.#flags, objects: [...this.#objects.values()] });
  }

  async end(): Promise<void> {
    await this.#pipeline?.stop();
    await this.#kernel.remove();
    rmSync(this.#directory, { recursive: true });
  }

  get #running(): Pipeline {
    if (this.#pipeline === undefined) throw new Error('no daemon runs');
    return this.#pipeline;
  }

  async #pass(eighths: number): Promise<void> {
    this.#slowStarts.pass(eighths);
    this.#clock.skipPeriods(eighths, EIGHTH);
    await this.#running.catchUp();
  }

  async #restart(flags: readonly string[]): Promise<void> {
    await this.#pipeline?.stop();
    if (!isDeepStrictEqual(flags, this.#flags)) this.#fresh = new FreshModels(flags);
    this.#flags = flags;
    this.#pipeline = new Pipeline(this.#kernel.world.namespace('node'), this.#directory, flags, this.#clock);
    await this.#pipeline.replaceAll([...this.#objects.values()]);
  }

  async #removeTables(): Promise<void> {
    await this.#pipeline?.stop();
    this.#pipeline = undefined;
    const tables = FAMILIES.flatMap((family) => TABLE_NAMES.map((name) => `${family} ${name}`));
    // "add" first: to delete what is not there is an error.
    const input = tables.map((table) => `add table ${table}\ndelete table ${table}\n`).join('');
    await this.#kernel.world.exec('node', ['nft', '-f', '-'], { input });
  }

  #set(objects: readonly RawObject[]): readonly string[] {
    return objects.map((object) => {
      const key = `${object.kind}/${object.metadata.name}`;
      this.#objects.set(key, object);
      return key;
    });
  }

  #remove(keys: readonly string[]): readonly string[] {
    return keys.filter((key) => this.#objects.delete(key));
  }
}
