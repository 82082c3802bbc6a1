import { join } from 'node:path';
import { now } from '../hostile/clock.ts';
import { LineProgram } from '../hostile/line-program.ts';
import type { World } from '../netns/world.ts';
import type { Daemon } from '../traffic/daemon.ts';

/** A sign of a daemon's that it has noticed something: a warning, an error, or a counter of repairs that rose. */
export interface Notice {
  /** See ../hostile/clock.ts. */
  readonly at: number;
  readonly text: string;
}

/** Notices that are kept. */
const MAX_KEPT = 10_000;

/** Listens to a daemon's log and looks at its metrics. */
export class Notices {
  readonly #kept: Notice[] = [];
  #rest = '';
  #program: LineProgram | undefined;

  constructor(daemon: Daemon) {
    daemon.onLog = (text) => this.#take(text);
  }

  /** Begins to look at the metrics, of whatever daemon there is on the node. */
  async watchMetrics(world: World): Promise<void> {
    this.#program = new LineProgram(world, 'node', join(import.meta.dirname, 'programs', 'look-program.ts'), []);
    await this.#program.ready((line) => {
      const [at = '', ...text] = line.split(' ');
      this.#keep({ at: Number(at), text: text.join(' ') });
    });
  }

  /** The first one from a time on. */
  firstSince(time: number): Notice | undefined {
    return this.#kept.filter(({ at }) => at >= time).toSorted((a, b) => a.at - b.at)[0];
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (/^[WE]/.test(line)) this.#keep({ at: now(), text: line });
  }

  #keep(notice: Notice): void {
    if (this.#kept.length >= MAX_KEPT) this.#kept.splice(0, MAX_KEPT / 2);
    this.#kept.push(notice);
  }
}
