/**
 * npm run chaos [-- --seed N --faults M --services 20|5000 --only KIND,… --patience SECONDS --rate N --minutes N --log]
 *
 * One random fault after another, under continuous new connections and a cluster that changes. Prints what became of each,
 * and a table at the end; ends with code 1 where one was not noticed or not mended, where a connection was lost outside
 * the time of a fault, where the daemon ended, or where the kernel is not as the model says and a fresh start would
 * have it. With `--minutes`: a fault a minute, and the daemon's memory, descriptors and children every five.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import type { Daemon } from '../traffic/daemon.ts';
import { Arena } from './arena.ts';
import { Campaign, type Outcome } from './campaign.ts';
import { differenceAtEnd } from './end.ts';
import { FAULTS } from './faults/all.ts';
import { reportTable, shortcomings } from './report.ts';
import { Soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '100' },
    services: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    patience: { type: 'string', default: '60' },
    rate: { type: 'string', default: '300' },
    minutes: { type: 'string', default: '0' },
    log: { type: 'boolean', default: false },
  },
});
const [seed, count, services, patience, rate, minutes] = [
  values.seed,
  values.faults,
  values.services,
  values.patience,
  values.rate,
  values.minutes,
].map(Number) as [number, number, number, number, number, number];
const only = values.only.split(',').filter(Boolean);
const chosen = FAULTS.filter(({ kind }) => only.length === 0 || only.includes(kind));
const unknown = only.filter((kind) => FAULTS.every((fault) => fault.kind !== kind));
if (!(seed >= 0 && count > 0 && services > 0 && patience > 0 && rate > 0 && minutes >= 0) || unknown.length > 0) {
  process.stderr.write(`chaos: every option but --only takes a number; kinds are ${FAULTS.map(({ kind }) => kind)}\n`);
  process.exit(1);
}

const say = (text: string) => process.stderr.write(`${text}\n`);
let number = 0;
let logShown = 0;
/** What the daemon has said since the last outcome: for those that are not as they should be. */
const newLog = ({ log }: Daemon) => {
  const from = log.length < logShown ? 0 : logShown;
  logShown = log.length;
  return log.slice(from);
};
const onOutcome = (outcome: Outcome, daemon: Daemon) => {
  const { fault, what, noticed, mended, reachable, lostInside, lostOutside, examples } = outcome;
  const after = (name: string, time: number | undefined) =>
    time === undefined ? `not ${name}` : `${name} ${(time / 1000).toFixed(2)} s`;
  const facts = [after('noticed', noticed), after('mended', mended), after('hit', reachable)];
  say(
    `${++number} ${fault.kind}: ${facts.join(', ')}, lost ${lostInside}+${lostOutside}: ${what.slice(0, 200)} ${examples.join('; ')}`,
  );
  const said = newLog(daemon);
  if (values.log || lostOutside > 0 || mended === undefined) say(said);
};

{
  using arena = new Arena({ seed, services, rate });
  // Before the world's own: it removes the namespaces, but not the folders.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.prependOnceListener(signal, () => arena[Symbol.dispose]());
  const campaign = new Campaign(arena, {
    seed,
    faults: chosen,
    patience,
    onOutcome: (outcome) => onOutcome(outcome, arena.daemon),
  });
  const problems: string[] = [];
  try {
    await arena.start();
    arena.startChurn();
    if (minutes > 0) await new Soak(arena, campaign, say).run(minutes);
    else for (let i = 0; i < count; i++) await campaign.next();
  } catch (error) {
    problems.push(messageOf(error));
  }
  arena.stopChurn();
  await campaign.end();
  if (!arena.daemon.isRunning) problems.push('the daemon ended');
  if (problems.length === 0) {
    const difference = await differenceAtEnd(arena);
    if (difference !== undefined) problems.push(difference);
  }
  problems.push(...shortcomings(campaign.outcomes));
  if (campaign.outcomes.length > 0) process.stdout.write(reportTable(campaign.outcomes));
  say(`${arena.traffic.tried} connections, of which ${arena.traffic.unknown} ended while their client had no CPU`);
  if (problems.length === 0) say('held: the kernel is as the model says, and as a fresh start has it');
  for (const problem of problems) say(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
