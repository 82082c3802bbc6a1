import { existsSync } from 'node:fs';
import type { Where, World } from './world.ts';

/**
 * What can lose or disturb a packet besides the ruleset under test. All but `softnet` count in the world's own
 * namespaces; `softnet` is the whole machine's, so other programs move it too.
 */
export interface Losses {
  /** Packets dropped by the world's interfaces: full backlogs. */
  readonly interfaces: number;
  /** Packets dropped because a CPU's input queue was full (/proc/net/softnet_stat), on the whole machine. */
  readonly softnet: number;
  /** The node's conntrack (`conntrack -S`): flows that could not be entered, for a clash of tuples. */
  readonly insertFailed: number;
  /** Packets dropped by the node's conntrack: its table was full and nothing could be evicted. */
  readonly conntrackDropped: number;
  /** Flows the node's conntrack evicted to make room. They were established once: nothing of theirs is lost. */
  readonly earlyDropped: number;
}

/** The counters now. Two readings are compared with lossesBetween. */
export async function readLosses(world: World): Promise<Losses> {
  let interfaces = 0;
  for (const where of world.places) interfaces += await interfaceDrops(world, where);
  const softnet = (await world.exec('node', ['cat', '/proc/net/softnet_stat'])).stdout
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '', 16), 0);
  const conntrack = await conntrackCounters(world);
  return {
    interfaces,
    softnet,
    insertFailed: conntrack('insert_failed'),
    conntrackDropped: conntrack('drop'),
    earlyDropped: conntrack('early_drop'),
  };
}

export function lossesBetween(before: Losses, after: Losses): Losses {
  return {
    interfaces: after.interfaces - before.interfaces,
    softnet: after.softnet - before.softnet,
    insertFailed: after.insertFailed - before.insertFailed,
    conntrackDropped: after.conntrackDropped - before.conntrackDropped,
    earlyDropped: after.earlyDropped - before.earlyDropped,
  };
}

async function interfaceDrops(world: World, where: Where): Promise<number> {
  const { stdout } = await world.exec(where, ['cat', '/proc/net/dev']);
  let drops = 0;
  // Two lines of heading; then "name:", eight received columns and eight sent ones, the fourth of each is drops.
  for (const line of stdout.trim().split('\n').slice(2)) {
    const columns = line.trim().split(/\s+/);
    drops += Number(columns[4]) + Number(columns[12]);
  }
  return drops;
}

/** Sums of the conntrack counters over the CPUs, by name. Kernels without the /proc file have them over netlink. */
async function conntrackCounters(world: World): Promise<(name: string) => number> {
  const sums = new Map<string, number>();
  const add = (name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + value);
  if (existsSync('/proc/net/stat/nf_conntrack')) {
    const { stdout } = await world.exec('node', ['cat', '/proc/net/stat/nf_conntrack']);
    const [heading = '', ...rows] = stdout.trim().split('\n');
    const names = heading.trim().split(/\s+/);
    for (const row of rows) {
      for (const [i, value] of row.trim().split(/\s+/).entries()) add(names[i] ?? '', Number.parseInt(value, 16));
    }
  } else {
    const { stdout } = await world.exec('node', ['conntrack', '-S']);
    for (const [, name, value] of stdout.matchAll(/(\w+)=(\d+)/g)) add(name ?? '', Number(value));
  }
  return (name) => {
    const value = sums.get(name);
    if (value === undefined) throw new Error(`the kernel has no conntrack counter named ${name}`);
    return value;
  };
}
