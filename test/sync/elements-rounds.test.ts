import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Nft } from '../../src/nft/nft.ts';
import { NftError } from '../../src/nft/run.ts';
import { decidingSetsAndMaps } from '../../src/ruleset/program/sets-and-maps.ts';
import { AuditBudget } from '../../src/sync/audit-budget.ts';
import { Commits } from '../../src/sync/commits.ts';
import { ElementsWatch, type ElementsWatchOptions } from '../../src/sync/elements-watch.ts';
import { Flights } from '../../src/sync/flights.ts';
import { manyObjects } from '../builders/many-objects.ts';
import { clusterWith, modelFor } from '../builders/models.ts';
import { service } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { FakeClock } from './fake-clock.ts';

const TABLE = 'kube-proxy-nft';

/** A watch of a kernel in which nothing differs; what it listed in each round, and when; how long each round took. */
function watching(from: Parameters<typeof modelFor>[0]) {
  const { model, drain } = modelFor(from);
  drain();
  const clock = new FakeClock();
  const commits = new Commits(clock);
  const flights = new Flights(commits);
  const budget = new AuditBudget();
  const recordings = { begun: 0, stopped: 0 };
  const record = flights.record.bind(flights);
  flights.record = () => {
    recordings.begun++;
    const recording = record();
    return { ...recording, stop: () => void recordings.stopped++ };
  };
  const looks: { readonly at: number; readonly what: string; readonly round: number; readonly timeout: number }[] = [];
  const rounds: (number | undefined)[] = [];
  /** Whether the next looks fail. */
  const failing: boolean[] = [];
  const nft = {
    look: async (_: unknown, [, ...what]: readonly string[], timeout: number) => {
      const fails = failing.shift() === true;
      looks.push({
        at: clock.now(),
        what: what[0] === 'table' ? 'table' : (what.at(-1) ?? ''),
        round: rounds.length,
        timeout,
      });
      if (fails) throw new NftError('unknown-outcome', 'killed', true);
      return { size: 1, digest: '', isKnown: true };
    },
  } as unknown as Nft;
  const watch = new ElementsWatch({
    model,
    nft,
    clock,
    commits,
    flights,
    budget,
    table: () => TABLE,
    log: recordingLog().log,
    observer: { audited: (took: number | undefined) => void rounds.push(took) },
  } as unknown as ElementsWatchOptions);
  const stop = new AbortController();
  void watch.run(stop.signal);
  return { model, clock, looks, rounds, recordings, failing, budget, watch, [Symbol.dispose]: () => stop.abort() };
}

suite('rounds of looks at elements', () => {
  test('begin ten seconds after the start, and ten after each other', async () => {
    using watched = watching(clusterWith(service()));
    await watched.clock.pass(9_999);
    assert.deepEqual(watched.looks, []);
    await watched.clock.pass(20_002);
    assert.deepEqual(
      watched.looks.map(({ what, at }) => [what, Math.round(at / 1000)]),
      [1, 2, 3].map((n) => ['table', 10 * n]),
    );
    assert.deepEqual(
      watched.rounds.map((took) => Math.round((took ?? 0) / 1000)),
      [10, 10, 10],
    );
    assert.ok(
      watched.looks.every(({ timeout }) => timeout >= 3 && timeout < 4),
      'a listing that hangs is ended after three seconds',
    );
    assert.deepEqual(watched.recordings, { begun: 3, stopped: 3 }, 'none goes on after its look');
  });

  test('are put off for longer and longer after looks that fail in a row', async () => {
    using watched = watching(clusterWith(service()));
    watched.failing.push(true, true, false, true, false, true, true, true, true);
    await watched.clock.pass(120_000);
    assert.deepEqual(
      watched.looks.map(({ at }) => Math.round(at / 1000)),
      [10, 20, 30, 40, 50, 60, 70, 80, 100],
    );
    assert.equal(watched.rounds.length, 2);
  });

  test('begin at once where there is a sign of trouble', async () => {
    using watched = watching(clusterWith(service()));
    await watched.clock.pass(1000);
    watched.watch.look();
    await watched.clock.pass(1);
    assert.deepEqual(
      watched.looks.map(({ at }) => at),
      [1000],
    );
    assert.deepEqual(watched.rounds, [undefined], 'how long it took says nothing about usual rounds');
  });

  test('begin at once for a sign of trouble even where their budget is used up, and use up none of it', async () => {
    using watched = watching(clusterWith(service()));
    watched.budget.spend(0, 1000);
    const { free } = watched.budget;
    assert.ok(free > 100_000);
    watched.watch.look();
    await watched.clock.pass(100_000);
    assert.deepEqual(
      watched.looks.map(({ at }) => at),
      [0],
    );
    assert.equal(watched.budget.free, free);
    await watched.clock.pass(free);
    assert.ok(watched.looks.length > 1);
  });

  test('of a large table are of each set and map that holds something, and of a fourth of those to be empty', async () => {
    using watched = watching(manyObjects(500));
    const { ruleset, program } = watched.model;
    assert.ok(ruleset.size > 2000);
    await watched.clock.pass(3_600_000);
    const known = decidingSetsAndMaps(program).filter(({ comesLater }) => !comesLater);
    const full = known.filter((one) => ruleset.countOf(one) > 0);
    const roundsOf = (name: string) =>
      new Set(watched.looks.filter(({ round, what }) => round < 4 && what === name).map(({ round }) => round)).size;
    assert.ok(
      watched.looks.some(({ round }) => round > 4),
      'four whole rounds',
    );
    assert.ok(full.length > 1 && full.length < known.length);
    for (const one of known) assert.equal(roundsOf(one.name), full.includes(one) ? 4 : 1, one.name);
  });
});
