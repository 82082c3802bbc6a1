/**
 * npm run chaos [-- --seed N --faults M --services 20|5000 --only KIND,… --patience SECONDS --rate N --nodes N
 *                  --at-most MINUTES --minutes N --log]
 *
 * One random fault after another, under continuous new connections and a cluster that changes. Prints what became of each,
 * and a table at the end; ends with code 1 where one was not noticed or not repaired, where a connection was lost outside
 * the time of a fault, where the daemon ended, or where the kernel is not as the model says and a fresh start would
 * have it. `--nodes`: so many nodes side by side share the faults, each with a cluster of its own and the next seed.
 * `--at-most`: no new fault after so many minutes. `--minutes`: a fault a minute for so long, and the daemon's memory,
 * descriptors and children every five.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { Arena } from './arena.ts';
import { Campaign, type Outcome } from './campaign.ts';
import { differenceAtEnd } from './end.ts';
import { FAULTS } from './faults/all.ts';
import { bystandersLine, reportTable, shortcomings } from './report.ts';
import { Soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '100' },
    services: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    patience: { type: 'string', default: '60' },
    rate: { type: 'string', default: '300' },
    nodes: { type: 'string', default: '1' },
    'at-most': { type: 'string', default: '1440' },
    minutes: { type: 'string', default: '0' },
    log: { type: 'boolean', default: false },
  },
});
const [seed, faults, services, patience] = [values.seed, values.faults, values.services, values.patience].map(
  Number,
) as [number, number, number, number];
const [rate, nodes, atMost, minutes] = [values.rate, values.nodes, values['at-most'], values.minutes].map(Number) as [
  number,
  number,
  number,
  number,
];
const only = values.only.split(',').filter(Boolean);
const chosen = FAULTS.filter(({ kind }) => only.length === 0 || only.includes(kind));
const unknown = only.filter((kind) => FAULTS.every((fault) => fault.kind !== kind));
const isRight =
  [faults, services, patience, rate, nodes, atMost].every((number) => number > 0) && seed >= 0 && minutes >= 0;
if (!isRight || unknown.length > 0) {
  process.stderr.write(`chaos: every option but --only takes a number; kinds are ${FAULTS.map(({ kind }) => kind)}\n`);
  process.exit(1);
}

const say = (text: string) => process.stderr.write(`${text}\n`);
const deadline = performance.now() + atMost * 60_000;
const all: Outcome[] = [];
const problems: string[] = [];
let connections = 0;
let unknownEnds = 0;

function tell({ fault, what, noticed, repaired, reachable, lostInside, lostOutside, examples }: Outcome): void {
  const after = (name: string, time: number | undefined) =>
    time === undefined ? `not ${name}` : `${name} ${(time / 1000).toFixed(2)} s`;
  const facts = [after('noticed', noticed), after('repaired', repaired), after('hit', reachable)].join(', ');
  const lost = `lost ${lostInside}+${lostOutside}`;
  say(`${all.length} ${fault.kind}: ${facts}, ${lost}: ${what.slice(0, 200)} ${examples.join('; ')}`);
}

/** Does so many faults on a node of its own. */
async function runNode(ownSeed: number, count: number): Promise<void> {
  using arena = new Arena({ seed: ownSeed, services, rate: rate / nodes });
  // Before the world's own: it removes the namespaces, but not the folders.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.prependOnceListener(signal, () => arena[Symbol.dispose]());
  let shown = 0;
  const onOutcome = (outcome: Outcome) => {
    all.push(outcome);
    tell(outcome);
    // It begins anew with each start.
    const { log } = arena.daemon;
    const said = log.slice(log.length < shown ? 0 : shown);
    shown = log.length;
    if (values.log || outcome.lostOutside > 0 || outcome.repaired === undefined) say(said);
  };
  const campaign = new Campaign(arena, { seed: ownSeed, faults: chosen, patience, onOutcome });
  const own: string[] = [];
  try {
    await arena.start();
    arena.startChurn();
    if (minutes > 0) await new Soak(arena, campaign, say).run(minutes);
    else for (let i = 0; i < count && performance.now() < deadline; i++) await campaign.next();
  } catch (error) {
    own.push(messageOf(error));
  }
  arena.stopChurn();
  await campaign.end();
  if (!arena.daemon.isRunning) own.push('the daemon ended');
  const difference = own.length === 0 ? await differenceAtEnd(arena) : undefined;
  if (difference !== undefined) own.push(difference);
  problems.push(...own);
  connections += arena.traffic.tried;
  unknownEnds += arena.traffic.unknown;
}

await Promise.all(
  Array.from({ length: nodes }, (_, i) => runNode(seed + i, Math.floor(faults / nodes) + (i < faults % nodes ? 1 : 0))),
);
problems.push(...shortcomings(all));
if (all.length > 0) process.stdout.write(reportTable(all));
say(bystandersLine(all));
say(`${connections} connections, of which ${unknownEnds} ended while their client had no CPU`);
if (problems.length === 0) say('held: the kernel is as the model says, and as a fresh start has it');
for (const problem of problems) say(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
