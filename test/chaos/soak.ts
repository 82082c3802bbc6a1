import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../../scripts/bench/process-figures.ts';
import { processesNamed } from '../hostile/nft-processes.ts';
import type { Arena } from './arena.ts';
import type { Campaign } from './campaign.ts';

const MINUTE = 60_000;
/** Minutes between two looks at the daemon. */
const LOOK_EVERY = 5;

/** A fault a minute, and every few minutes a look at what the daemon holds. */
export class Soak {
  readonly #arena: Arena;
  readonly #campaign: Campaign;
  readonly #say: (line: string) => void;
  readonly #began = performance.now();

  constructor(arena: Arena, campaign: Campaign, say: (line: string) => void) {
    this.#arena = arena;
    this.#campaign = campaign;
    this.#say = say;
  }

  async run(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      if (minute % LOOK_EVERY === 0) await this.#look();
      const end = this.#began + (minute + 1) * MINUTE;
      await this.#campaign.next();
      await sleep(Math.max(0, end - performance.now()));
    }
    await this.#look();
  }

  async #look(): Promise<void> {
    const { daemon, world } = this.#arena;
    const minute = Math.round((performance.now() - this.#began) / MINUTE);
    const { rss, rssAnon } = memoryOf(daemon.pid);
    const descriptors = readdirSync(`/proc/${daemon.pid}/fd`).length;
    const children = (await processesNamed(world, 'nft')).length;
    const memory = `RSS ${rss.toFixed(1)} MiB (${rssAnon.toFixed(1)} of its own)`;
    this.#say(`minute ${minute}: pid ${daemon.pid}, ${memory}, ${descriptors} descriptors, ${children} nft processes`);
  }
}
