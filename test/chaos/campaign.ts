import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { FAMILIES } from '../../src/ip.ts';
import { TABLE_NAMES } from '../../src/nft/tables.ts';
import { now } from '../hostile/clock.ts';
import { Draws } from '../peer/draws.ts';
import type { Arena } from './arena.ts';
import type { Fault, Injected } from './fault.ts';

/** What became of one fault. Times in milliseconds from when it was done. */
export interface Outcome {
  readonly fault: Fault;
  /** What was done in particular. */
  readonly what: string;
  /** Until the daemon told of it; undefined if it did not. */
  readonly noticed: number | undefined;
  /** Until it was repaired; undefined if it was not, and the run deleted our tables to go on. */
  readonly repaired: number | undefined;
  /** Until all clients that had lost connections were served again; undefined if none lost any. */
  readonly reachable: number | undefined;
  /** Of the changes of the bystander's Service that were made meanwhile: until each reached a packet. */
  readonly changes: readonly number[];
  /** Connections that were tried, until the next fault, and how many of them were lost in the window and outside it. */
  readonly tried: number;
  readonly lostInside: number;
  readonly lostOutside: number;
  /** Some of those outside: "TARGET: timeout, 1.20 s after the fault". */
  readonly examples: readonly string[];
}

/** Something that was done, for which all has not come in that is to be said of it. */
interface Open {
  readonly outcome: Omit<Outcome, 'changes' | 'tried' | 'lostInside' | 'lostOutside' | 'examples'>;
  readonly begun: number;
  /** Numbers of the bystander's changes: the first, and the first that is none of them any more. */
  readonly changes: readonly [number, number];
  readonly windowFrom: number;
  readonly windowTo: number;
  readonly triedBefore: number;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Seconds in which a fault has to be noticed and repaired. */
  readonly patience: number;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** How often something is drawn that is not there any more. */
const ATTEMPTS = 10;
/** Milliseconds. */
const LOOK_EVERY = 50;
/** A connection's end is known by then, see Traffic. */
const KNOWN_AFTER = 1500;
/** Lost connections that are told of each fault. */
const EXAMPLES = 3;
/** A connection that began so shortly before a fault may have met it. */
const UNDER_WAY = 100;

/** Does one fault after another, and knows what became of each. */
export class Campaign {
  readonly outcomes: Outcome[] = [];
  readonly #arena: Arena;
  readonly #options: CampaignOptions;
  #open: Open[] = [];
  #done = 0;

  constructor(arena: Arena, options: CampaignOptions) {
    this.#arena = arena;
    this.#options = options;
  }

  /** Does a random fault and waits until all is well again. */
  next(): Promise<void> {
    const draws = this.#nextDraws();
    return this.#do(draws.pick(this.#options.faults), draws);
  }

  /** Does this fault and waits until all is well again. */
  do(fault: Fault): Promise<void> {
    return this.#do(fault, this.#nextDraws());
  }

  /** A stream of its own for each fault: what one needs does not change the next. */
  #nextDraws(): Draws {
    return new Draws(this.#options.seed, 1, this.#done++);
  }

  async #do(fault: Fault, draws: Draws): Promise<void> {
    await sleep(draws.between(100, 700));
    this.#close(now() - KNOWN_AFTER);
    const { traffic, bystander } = this.#arena;
    const [triedBefore, changesBefore] = [traffic.tried, bystander.delays.length];
    const begun = now();
    const injected = await this.#inject(fault, draws);
    // What goes on for a while is over when it returns: notices count from its beginning.
    const at = fault.harms ? now() : begun;
    const { repaired, noticed } = await this.#untilRepaired(fault, injected, begun, at);
    await this.#untilServed(now());
    const windowTo = now();
    const reachable = traffic.reachableAgain(begun - UNDER_WAY);
    this.#open.push({
      outcome: {
        fault,
        what: injected.what,
        noticed: elapsed(at, noticed),
        repaired: elapsed(at, repaired),
        reachable: elapsed(at, reachable),
      },
      begun,
      changes: [changesBefore, bystander.delays.length],
      windowFrom: begun - UNDER_WAY,
      windowTo: fault.harms ? windowTo : begun - UNDER_WAY,
      triedBefore,
    });
  }

  /** What the daemon changes in between may be gone when it is to be changed: then something else is drawn. */
  async #inject(fault: Fault, draws: Draws): Promise<Injected> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await fault.inject(this.#arena, draws);
      } catch (error) {
        if (attempt === ATTEMPTS || !messageOf(error).includes('No such file or directory')) throw error;
        await sleep(LOOK_EVERY);
      }
    }
  }

  /** Waits for what is not known yet. */
  async end(): Promise<void> {
    await sleep(KNOWN_AFTER);
    this.#close(Number.POSITIVE_INFINITY);
  }

  /** Waits until the fault is repaired and, where it has to be, told of, and changes come into force: when, or undefined for never. */
  async #untilRepaired(
    fault: Fault,
    { isRepaired = () => Promise.resolve(true) }: Injected,
    begun: number,
    at: number,
  ): Promise<{ readonly repaired: number | undefined; readonly noticed: number | undefined }> {
    const { bystander, notices } = this.#arena;
    const change = bystander.delays.length;
    bystander.change();
    const end = at + this.#options.patience * 1000;
    let repaired: number | undefined;
    for (;;) {
      const lookedAt = now();
      if (repaired === undefined && (await isRepaired())) repaired = now();
      const isInForce = Number.isFinite(bystander.delays[change]);
      const noticed = notices.firstSince(begun)?.at;
      if (repaired !== undefined && isInForce && (!fault.isTold || noticed !== undefined)) return { repaired, noticed };
      if (now() > end) {
        if (repaired === undefined) await this.#repairByHand();
        return { repaired: isInForce ? repaired : undefined, noticed };
      }
      // A look at many elements takes its time: at most a third of a CPU.
      await sleep(Math.max(LOOK_EVERY, 2 * (now() - lookedAt)));
    }
  }

  /** Takes our tables away, which is noticed in any case: the run is to go on. */
  async #repairByHand(): Promise<void> {
    const { world } = this.#arena;
    const names = FAMILIES.flatMap((family) => TABLE_NAMES.map((name) => `${family} ${name}`));
    const input = names.map((name) => `add table ${name}\ndelete table ${name}\n`).join('');
    await world.exec('node', ['nft', '-f', '-'], { input, timeoutMs: 120_000 });
  }

  async #untilServed(time: number): Promise<void> {
    const end = now() + this.#options.patience * 1000;
    while (!this.#arena.traffic.isServedSince(time)) {
      if (now() > end) throw new Error('not all clients are served, long after the fault');
      await sleep(LOOK_EVERY);
    }
  }

  /** Adds up what was lost around those faults of which all is known that ended before `time`. */
  #close(time: number): void {
    const { traffic, bystander } = this.#arena;
    while (true) {
      const [first, second] = this.#open;
      const until = second?.begun ?? Number.POSITIVE_INFINITY;
      if (first === undefined || (time !== Number.POSITIVE_INFINITY && until > time)) return;
      this.#open.shift();
      const from = first.windowFrom;
      const lost = traffic.lostBetween(from, until - (second === undefined ? 0 : UNDER_WAY));
      const inside = lost.filter(({ began }) => began < first.windowTo);
      const outside = lost.filter(({ began }) => began >= first.windowTo);
      const outcome: Outcome = {
        ...first.outcome,
        // Not before: the last of them may have been on its way when all else was well.
        changes: bystander.delays.slice(...first.changes).filter(Number.isFinite),
        tried: (second?.triedBefore ?? traffic.tried) - first.triedBefore,
        lostInside: inside.length,
        lostOutside: outside.length,
        examples: outside
          .slice(0, EXAMPLES)
          .map(
            ({ target, why, began }) =>
              `${target}: ${why}, ${((began - first.begun) / 1000).toFixed(2)} s after the fault`,
          ),
      };
      this.outcomes.push(outcome);
      this.#options.onOutcome?.(outcome);
      traffic.forget(until - UNDER_WAY);
    }
  }
}

function elapsed(from: number, to: number | undefined): number | undefined {
  return to === undefined ? undefined : Math.max(0, to - from);
}
