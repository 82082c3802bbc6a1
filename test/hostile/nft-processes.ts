import { readFileSync } from 'node:fs';
import process from 'node:process';
import { run } from '../netns/namespaces.ts';
import type { World } from '../netns/world.ts';

/** Ids of the processes on a world's node that have this name. */
export async function processesNamed(world: World, name: string): Promise<readonly number[]> {
  const { stdout } = await run(['ip', 'netns', 'pids', world.namespace('node')], { allowFailure: true });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .filter((pid) => nameOf(pid) === name);
}

/** Sends the nft processes of a world's node a signal, or those of another name. */
export async function signalNft(world: World, signal: NodeJS.Signals, name = 'nft'): Promise<void> {
  for (const pid of await processesNamed(world, name)) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself.
    }
  }
}

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
