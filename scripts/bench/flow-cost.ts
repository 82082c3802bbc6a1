import { percentile } from './statistics.ts';

/** One turn of flow_cost.c: nanoseconds for one packet, of CPU and of wall clock. */
export interface FlowTurn {
  readonly way: number;
  readonly cpu: number;
  readonly wall: number;
}

/** What flow_cost.c printed. Throws for what it did not. */
export function flowTurns(text: string): readonly FlowTurn[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [way = Number.NaN, cpu = Number.NaN, wall = Number.NaN] = line.split(' ').map(Number);
      if (Number.isNaN(way + cpu + wall)) throw new Error(`not a turn of a flow: ${line}`);
      return { way, cpu, wall };
    });
}

/** Of the wall clock so much is the sender's own CPU where the kernel counts the packet's way as the sender's work. */
const COUNTED = 0.8;

/**
 * Nanoseconds of one packet: of a quarter of the turns it is less, since whatever disturbs a turn only adds to it. CPU
 * time; where the kernel counts interrupts apart (CONFIG_IRQ_TIME_ACCOUNTING), the packet's way is missing in that, and
 * it is wall clock.
 */
export function flowCost(turns: readonly FlowTurn[]): number {
  const cpu = percentile(
    turns.map((turn) => turn.cpu),
    25,
  );
  const wall = percentile(
    turns.map((turn) => turn.wall),
    25,
  );
  return cpu < COUNTED * wall ? wall : cpu;
}
