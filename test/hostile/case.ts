import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from './stage.ts';

/** Milliseconds within which /livez and metrics must be answered on a quiet machine. */
export const ANSWERED_WITHIN = 100;

/** One attack, by name. */
export interface HostileCase {
  /** Short, in kebab-case: for the table and `--only`. */
  readonly name: string;
  /** What the attacker does, for readers of the table. */
  readonly attack: string;
  /** What has to be answered besides /livez. */
  readonly urls?: readonly string[];
  /** Milliseconds within which /livez and these must be answered on a quiet machine, if it is not ANSWERED_WITHIN. */
  readonly answeredWithin?: number;
  /** True where the daemon does not get the port of its metrics. */
  readonly hasNoMetrics?: true;
  /** Flags of the daemon. */
  readonly flags?: readonly string[];
  /** What there is when the daemon starts. */
  readonly before?: (stage: Stage) => Promise<void> | void;
  /** Attacks until the signal aborts, or once. */
  readonly during?: (stage: Stage, signal: AbortSignal) => Promise<void> | void;
}

/** Does something again and again, so many milliseconds apart, until the signal aborts. */
export async function again(
  signal: AbortSignal,
  milliseconds: number,
  action: (round: number) => Promise<void> | void,
): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await action(round);
    await sleep(milliseconds);
  }
}
