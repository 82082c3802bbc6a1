import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestDaemon } from '../../../src/control/control-socket.ts';
import { decodeObject, KINDS } from '../../../src/objects/decode.ts';
import { Draws } from '../../peer/draws.ts';
import { differenceAtRest } from '../kernel-and-model.ts';
import type { Stage } from '../stage.ts';
import { drawObject } from './corpus.ts';
import { invisibleIn } from './invisible.ts';
import { isMapping, type Json, mutated } from './mutate.ts';
import type { Route } from './routes.ts';
import type { Tally } from './tally.ts';

/** Documents that are handed over together. */
const BATCH = 250;
/** Batches from one look at everything that comes out to the next. */
const LOOK_EVERY = 10;
/** Milliseconds for a change of the bystander: what is not in force by then is stuck. */
const PATIENCE = 60_000;
const METRICS = 'http://127.0.0.1:10249/metrics';

/**
 * Hands `runs` mutated objects to a daemon. Throws if it ends, if a change of a bystander does not come into force after
 * a batch, if an invisible character comes out anywhere, or if the kernel is not as the model says in the end.
 */
export async function fuzzObjects(route: Route, runs: number, seed: number, tally: Tally): Promise<void> {
  const { stage } = route;
  await stage.prepare();
  await stage.startDaemon();
  await stage.watch([]);
  for (let done = 0, batch = 0; done < runs; batch++) {
    const draws = new Draws(seed, batch);
    const documents = Array.from({ length: Math.min(BATCH, runs - done) }, () =>
      mutated(asJson(drawObject(draws)), draws),
    );
    for (const document of documents) count(document, tally);
    await route.give(documents, draws);
    await isServedAfter(route, `batch ${batch} of seed ${seed}`);
    done += documents.length;
    if (batch % LOOK_EVERY === 0 || done >= runs) await look(stage, `batch ${batch} of seed ${seed}`);
  }
  const difference = await differenceAtRest(stage.world, stage.daemon);
  if (difference !== undefined) throw new Error(`the kernel is not as the model says: ${difference}`);
  if (!stage.daemon.isRunning) throw new Error(`the daemon ended: ${stage.daemon.log.slice(-4000)}`);
}

async function isServedAfter({ stage, clear }: Route, where: string): Promise<void> {
  const { bystander, daemon } = stage;
  const end = performance.now() + PATIENCE;
  // Where a batch keeps everything from being read, it is taken away again.
  const clearAt = performance.now() + 1000;
  let cleared = false;
  bystander.change();
  while (!bystander.isServed) {
    if (!daemon.isRunning) throw new Error(`${where}: the daemon ended: ${daemon.log.slice(-4000)}`);
    if (performance.now() > end) throw new Error(`${where}: the bystander is not served: ${daemon.log.slice(-4000)}`);
    if (!cleared && performance.now() > clearAt) {
      clear();
      cleared = true;
    }
    await sleep(5);
  }
}

/** Reads all that comes out. */
async function look({ world, daemon }: Stage, where: string): Promise<void> {
  const runDir = join(daemon.directory, 'run');
  const outputs = {
    log: daemon.log,
    dump: String(await requestDaemon(runDir, '/dump?output=nft')),
    json: String(await requestDaemon(runDir, '/dump?output=json')),
    metrics: (await world.exec('node', [...FETCH, METRICS])).stdout,
  };
  for (const [name, text] of Object.entries(outputs)) {
    const invisible = invisibleIn(text);
    if (invisible !== undefined) throw new Error(`${where}: the ${name} holds ${invisible}`);
  }
}

/** Prints what a URL answers. */
const FETCH = [
  process.execPath,
  '-e',
  'fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))',
];

function count(document: Json, tally: Tally): void {
  const said = isMapping(document) ? document['kind'] : undefined;
  const kind = KINDS.find((known) => known === said);
  if (kind !== undefined && decodeObject(kind, document).object !== undefined) tally.valid++;
  else tally.invalid++;
}

/** The objects of the corpus are JSON, whatever their type says. */
function asJson(object: unknown): Json {
  return JSON.parse(JSON.stringify(object));
}
