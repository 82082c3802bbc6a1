import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import type { World } from '../netns/world.ts';

/** What clients connect to all the time. */
export interface Target {
  readonly name: string;
  readonly where: 'node' | 'client';
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** How the endpoint begins that may answer, "10.32.11."; another one is as bad as none. */
  readonly answeredBy: string;
}

/** A connection that got no answer, or that of a pod it was not for. Times in milliseconds, see ../hostile/clock.ts. */
export interface Lost {
  readonly target: string;
  readonly began: number;
  /** "timeout", or who answered. */
  readonly why: string;
}

export interface TrafficOptions {
  readonly targets: readonly Target[];
  /** Connections a second, of all places together. */
  readonly rate: number;
  /** Called with every answer: the endpoint as "ADDRESS:PORT", and when its connection began. */
  readonly onAnswer?: (target: string, endpoint: string, began: number) => void;
}

/** Seconds. A client would send its first packet again after one: until then the connection counts as lost. */
const PATIENCE = 0.95;
/** Lost connections that are kept in full. */
const MAX_KEPT = 100_000;

/** New connections to the targets, by turns, from the node and from outside, and what became of them. */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #helpers: RunningHelper[] = [];
  readonly #lost: Lost[] = [];
  /** Target → when the connections began that were answered as they should be. */
  readonly #answered: ReadonlyMap<string, number[]>;
  #tried = 0;
  #unknown = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#targets = new Map(options.targets.map((target) => [target.name, target]));
    this.#answered = new Map(options.targets.map(({ name }) => [name, []]));
  }

  /** Connections so far that have an outcome. */
  get tried(): number {
    return this.#tried;
  }

  /** Connections whose end the client itself was too late to see. */
  get unknown(): number {
    return this.#unknown;
  }

  async start(world: World): Promise<void> {
    for (const where of ['node', 'client'] as const) {
      const own = this.#options.targets.filter((target) => target.where === where);
      const share = (this.#options.rate * own.length) / this.#options.targets.length;
      const lines = own.map(({ name, protocol, address, port }) => `${name} ${protocol} ${address} ${port}\n`);
      const options = { input: `${lines.join('')}go\n`, onLine: (line: string) => this.#take(line) };
      this.#helpers.push(await startHelper(world, where, 'steady', [share, PATIENCE], options));
    }
  }

  /** True once every target has answered a connection that began at this time or later. */
  isServedSince(time: number): boolean {
    return [...this.#answered.values()].every((times) => times.some((began) => began >= time));
  }

  /** Connections that began from one time to before another and were lost. */
  lostBetween(from: number, to: number): readonly Lost[] {
    return this.#lost.filter(({ began }) => began >= from && began < to);
  }

  /**
   * When the first connection began to the last of the targets that was answered again after it had lost some from this
   * time on; undefined if none lost any, infinite if one still does.
   */
  reachableAgain(from: number): number | undefined {
    const lastLost = new Map<string, number>();
    for (const { target, began } of this.#lost)
      if (began >= from) lastLost.set(target, Math.max(began, lastLost.get(target) ?? 0));
    if (lastLost.size === 0) return undefined;
    const again = [...lastLost].map(([target, lost]) => {
      const later = (this.#answered.get(target) ?? []).filter((began) => began > lost);
      return Math.min(...later);
    });
    return Math.max(...again);
  }

  /** Forgets what began before a time. */
  forget(before: number): void {
    this.#lost.splice(0, this.#lost.length, ...this.lostBetween(before, Number.POSITIVE_INFINITY));
    for (const times of this.#answered.values()) {
      times.splice(0, times.length, ...times.filter((began) => began >= before));
    }
  }

  /** Ends the clients. */
  async stop(): Promise<void> {
    await Promise.all(this.#helpers.splice(0).map((helper) => helper.stop()));
  }

  #take(line: string): void {
    const [name = '', began = '', , first = '', why = ''] = line.split(' ');
    const target = this.#targets.get(name);
    if (target === undefined) return;
    this.#tried++;
    if (first === '?') {
      this.#unknown++;
      return;
    }
    const at = Number(began);
    if (first !== '!' && first.startsWith(target.answeredBy)) {
      this.#answered.get(name)?.push(at);
      this.#options.onAnswer?.(name, first, at);
    } else if (this.#lost.length < MAX_KEPT) {
      this.#lost.push({ target: name, began: at, why: first === '!' ? why : first });
    }
  }
}
