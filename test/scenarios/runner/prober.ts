import type { RunningHelper } from '../../netns/helper-program.ts';
import { startHelper } from '../../netns/helper-program.ts';
import type { Where, World } from '../../netns/world.ts';

/** New flows to make from one place. */
export interface Flows {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** The source address. Undefined: the kernel's choice. */
  readonly source: string | undefined;
  readonly count: number;
  readonly timeoutMs: number;
}

/** Outcomes as clients.ts has them, "ENDPOINT CLIENT" or a failure's kind → how often. */
export type Outcomes = ReadonlyMap<string, number>;

/** A process in one place that makes batches of flows; it stays, since starting Python takes longer than most batches. */
export class Prober {
  readonly #helper: RunningHelper;
  readonly #lines: string[];
  #done: (() => void) | undefined;

  private constructor(helper: RunningHelper, lines: string[]) {
    this.#helper = helper;
    this.#lines = lines;
  }

  static async start(world: World, where: Where): Promise<Prober> {
    const lines: string[] = [];
    const onLine = (line: string) => {
      if (line === 'end') prober.#done?.();
      else lines.push(line);
    };
    const prober: Prober = new Prober(await startHelper(world, where, 'probes', [], { onLine }), lines);
    return prober;
  }

  /** Makes all flows of a batch at once; the outcomes are in the batch's order. One batch at a time. */
  async probe(batch: readonly Flows[]): Promise<readonly Outcomes[]> {
    if (batch.length === 0) return [];
    const { child } = this.#helper;
    const lines = batch.map(({ protocol, address, port, source = '-', count, timeoutMs }) =>
      [protocol, address, port, source, count, timeoutMs / 1000].join(' '),
    );
    await new Promise<void>((resolve, reject) => {
      const onExit = () => reject(new Error('probes.py ended in the middle of a batch'));
      child.once('exit', onExit);
      this.#done = () => {
        child.off('exit', onExit);
        resolve();
      };
      child.stdin?.write(`${lines.join('\n')}\ngo\n`);
    });
    const outcomes = batch.map(() => new Map<string, number>());
    for (const line of this.#lines.splice(0)) {
      const [, place, count, text = ''] = /^(\d+) (\d+) (?:! )?(.+)$/.exec(line) ?? [];
      outcomes[Number(place)]?.set(text, Number(count));
    }
    return outcomes;
  }

  stop(): Promise<void> {
    return this.#helper.stop();
  }
}
