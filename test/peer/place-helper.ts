import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import type { Where, World } from '../netns/world.ts';

/** Outcome of requests, as helpers/place.py prints it → how often. */
export type Outcomes = ReadonlyMap<string, number>;

/** helpers/place.py at work in one place: whatever is sent and received there. */
export class PlaceHelper {
  readonly #helper: RunningHelper;
  readonly #lines: string[];
  #done: (() => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(helper: RunningHelper, lines: string[]) {
    this.#helper = helper;
    this.#lines = lines;
  }

  /** `number`: below 256, and no other place's of the world. */
  static async start(world: World, where: Where, number: number): Promise<PlaceHelper> {
    const lines: string[] = [];
    const onLine = (line: string) => {
      if (line === 'end') place.#done?.();
      else lines.push(line);
    };
    const place: PlaceHelper = new PlaceHelper(await startHelper(world, where, 'place', [number], { onLine }), lines);
    return place;
  }

  /** Does a batch of requests (see helpers/place.py) at the same time, after the batches before; the outcomes are in their order. */
  run(requests: readonly string[]): Promise<readonly Outcomes[]> {
    if (requests.length === 0) return Promise.resolve([]);
    const result = this.#last.then(() => this.#run(requests));
    this.#last = result.catch(() => undefined);
    return result;
  }

  stop(): Promise<void> {
    return this.#helper.stop();
  }

  async #run(requests: readonly string[]): Promise<readonly Outcomes[]> {
    const { child } = this.#helper;
    await new Promise<void>((resolve, reject) => {
      const onExit = () => reject(new Error(`place.py ended in the middle of:\n${requests.join('\n').slice(0, 2000)}`));
      child.once('exit', onExit);
      this.#done = () => {
        child.off('exit', onExit);
        resolve();
      };
      child.stdin?.write(`${requests.join('\n')}\ngo\n`);
    });
    const outcomes = requests.map(() => new Map<string, number>());
    for (const line of this.#lines.splice(0)) {
      const [, number, count, text = ''] = /^(\d+) (\d+) (.+)$/.exec(line) ?? [];
      outcomes[Number(number)]?.set(text, Number(count));
    }
    return outcomes;
  }
}
