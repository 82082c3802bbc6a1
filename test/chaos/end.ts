import { setTimeout as sleep } from 'node:timers/promises';
import { FAMILIES, type Family } from '../../src/ip.ts';
import { foundElements, readTable } from '../../src/nft/tables.ts';
import { isHeartbeat } from '../../src/ruleset/program/heartbeat.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import { canonical } from '../builders/canonical-elements.ts';
import { differenceAtRest } from '../hostile/kernel-and-model.ts';
import { nftIn } from '../netns/kernel.ts';
import type { Arena } from './arena.ts';
import { LAST_POD, lastObjects } from './cluster.ts';
import { listTable, liveTable } from './table-in-kernel.ts';

/**
 * Once nothing changes any more: what the kernel and the model differ in, or the kernel and what a daemon writes that is
 * started over an empty one; undefined for nothing.
 */
export async function differenceAtEnd(arena: Arena): Promise<string | undefined> {
  await untilAllIsKnown(arena);
  const difference = await differenceAtRest(arena.world, arena.daemon);
  if (difference !== undefined) return `the kernel is not as the model says: ${difference}`;
  const before = await elementsInKernel(arena);
  await arena.daemon.stop();
  arena.world.nodeShell('nft flush ruleset');
  await arena.startDaemon();
  const again = await differenceAtRest(arena.world, arena.daemon);
  if (again !== undefined) return `after a fresh start the kernel is not as the model says: ${again}`;
  const after = await elementsInKernel(arena);
  for (const family of FAMILIES) {
    const [had, has] = [new Set(before[family]), new Set(after[family])];
    const difference = before[family].find((line) => !has.has(line)) ?? after[family].find((line) => !had.has(line));
    if (difference !== undefined) return `before or after a fresh start only (${family}): ${difference.slice(0, 300)}`;
  }
  return undefined;
}

/** Milliseconds: longer than the daemon waits for an API server that has failed it again and again. */
const PATIENCE = 120_000;

/** Until the daemon has in force what was written last, of both kinds of objects. */
async function untilAllIsKnown({ api, world }: Arena): Promise<void> {
  api.put(...lastObjects());
  const end = performance.now() + PATIENCE;
  for (;;) {
    const table = await listTable(world, 'ip');
    if (table?.elements.some(({ text }) => text.includes(LAST_POD))) return;
    if (performance.now() > end) throw new Error('the last change of the cluster never came into force');
    await sleep(100);
  }
}

async function elementsInKernel(arena: Arena): Promise<Record<Family, readonly string[]>> {
  const [ip = [], ip6 = []] = await Promise.all(FAMILIES.map((family) => elementsOf(arena, family)));
  return { ip, ip6 };
}

async function elementsOf({ world, daemon }: Arena, family: Family): Promise<readonly string[]> {
  const table = await liveTable(world, family);
  if (table === undefined) throw new Error(`there is no live table of family ${family}`);
  const program = buildProgram(family, { localPods: { by: 'pod-cidrs' } });
  const nft = nftIn(world.namespace('node'), daemon.directory, family);
  // The heartbeat's ports are drawn at each start over an empty kernel.
  const found = foundElements(await readTable(nft, program, table)).filter((element) => !isHeartbeat(element));
  return canonical(
    new Map(found.map(({ setOrMap, key, value, comment }) => [`${setOrMap.name} ${key}`, `${value} # ${comment}`])),
  );
}
