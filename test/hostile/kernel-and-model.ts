import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { FAMILIES } from '../../src/ip.ts';
import { TABLE_NAMES } from '../../src/nft/tables.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, run } from '../netns/namespaces.ts';
import type { World } from '../netns/world.ts';
import type { Daemon } from '../traffic/daemon.ts';

/** Milliseconds to come to rest, and between two looks. */
const PATIENCE = 120_000;
const LOOK_EVERY = 500;
/** Of hundreds of thousands of elements, as JSON. */
const LISTING = { allowFailure: true, timeoutMs: 120_000 };

/** Waits until the kernel holds what the daemon dumps; undefined then, or what differs when patience ends. */
export async function differenceAtRest(world: World, daemon: Daemon): Promise<string | undefined> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const difference = await differenceOf(world, daemon).catch((error) => messageOf(error));
    if (difference === undefined || performance.now() > end) return difference;
    await sleep(LOOK_EVERY);
  }
}

/** The dump is loaded into an empty namespace, so that nft itself says what it means. */
async function differenceOf(world: World, daemon: Daemon): Promise<string | undefined> {
  using expected = new TestKernel();
  expected.load(await daemon.wholeDump('nft'));
  for (const family of FAMILIES) {
    for (const table of TABLE_NAMES) {
      const list = ['nft', '-j', 'list', 'table', family, table];
      const [found, wanted] = await Promise.all([
        run(inNamespace(world.namespace('node'), list), LISTING),
        run(inNamespace(expected.namespace, list), LISTING),
      ]);
      const difference = firstDifference(linesOf(found.stdout), linesOf(wanted.stdout));
      if (difference !== undefined) return `${family} ${table}: ${difference}`;
    }
  }
  return undefined;
}

/** None for a table that is not there. */
function linesOf(listing: string): readonly string[] {
  return listing === '' ? [] : TestKernel.normalise(listing).split('\n');
}

function firstDifference(found: readonly string[], wanted: readonly string[]): string | undefined {
  const [inKernel, inModel] = [new Set(found), new Set(wanted)];
  const onlyInKernel = found.find((line) => !inModel.has(line));
  const onlyInModel = wanted.find((line) => !inKernel.has(line));
  if (onlyInKernel !== undefined && onlyInModel !== undefined) {
    const at = [...onlyInKernel].findIndex((character, i) => character !== onlyInModel[i]);
    const part = (line: string) => line.slice(Math.max(0, at - 60), at + 200);
    return `the kernel has ${part(onlyInKernel)}, the model ${part(onlyInModel)}`;
  }
  if (onlyInKernel !== undefined) return `only the kernel has ${onlyInKernel.slice(0, 300)}`;
  return onlyInModel === undefined ? undefined : `only the model has ${onlyInModel.slice(0, 300)}`;
}
