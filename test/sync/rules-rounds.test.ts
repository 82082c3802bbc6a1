import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import type { Drift } from '../../src/audit/drift.ts';
import { RulesLister } from '../../src/nft/rules-lister.ts';
import { NftError } from '../../src/nft/run.ts';
import { AFFINITY_ENDPOINTS } from '../../src/ruleset/program/affinity.ts';
import { Commits } from '../../src/sync/commits.ts';
import { DriftReports } from '../../src/sync/drift-reports.ts';
import { Flights } from '../../src/sync/flights.ts';
import { NO_OBSERVER } from '../../src/sync/observer.ts';
import { Repairs } from '../../src/sync/repairs.ts';
import { RulesWatch } from '../../src/sync/rules-watch.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { recordingNft } from '../builders/recording-nft.ts';
import { TestKernel } from '../netns/kernel.ts';
import { FakeClock } from './fake-clock.ts';
import { startRichProxy, TABLE } from './rich-proxy.ts';

/** A table that is right, as nft lists it, and its model. */
async function listedTable() {
  using kernel = new TestKernel();
  using proxy = await startRichProxy(kernel, { watch: false });
  const lines: string[] = [];
  await kernel.nft('ip').look((line) => lines.push(line), ['-t', '-a', 'list', 'ruleset'], 20);
  return { model: proxy.model, lines };
}

let table: Awaited<ReturnType<typeof listedTable>>;

/** Rules of others for which nft takes so long that listings of them are a minute and more apart. */
const MANY = 1_000_000;

/** A watch of that table, among so many characters of rules of others. `dryRun`: fails as it throws; absent: there are none. */
function watching({ others = 0, dryRun }: { others?: number; dryRun?: () => void } = {}) {
  const clock = new FakeClock();
  const commits = new Commits(clock);
  const flights = new Flights(commits);
  const repairs = new Repairs();
  /** "list", "dry run": when. */
  const told: string[] = [];
  const tell = (what: string) => told.push(`${what} ${Math.round(clock.now() / 1000)}`);
  const state = { lines: table.lines, inForce: true, dryRun, every: 0, verified: 0 };
  const { nft } = recordingNft({
    look: async (onLine) => {
      tell('list');
      await clock.sleep(10);
      for (const line of state.lines) onLine(line);
      onLine('x'.repeat(others));
      return { size: 0, digest: '', isKnown: false };
    },
  });
  const check = async () => {
    tell('dry run');
    state.dryRun?.();
  };
  const observer = {
    ...NO_OBSERVER,
    verified: () => void state.verified++,
    compared: (drifts: readonly Drift[], every: number) => {
      state.every = every;
      for (const { kind, action } of drifts) told.push(`${kind} ${action}`);
    },
  };
  const { model } = table;
  const { log, lines } = recordingLog();
  const watch = new RulesWatch({
    ...{ model, nft, clock, commits, flights, repairs, observer, log, lister: new RulesLister() },
    reports: new DriftReports({ family: 'ip', log, observer, now: () => clock.now() }),
    table: () => (state.inForce ? TABLE : undefined),
    ...{ mayRepair: () => true, onDifference: () => undefined, onMissing: () => undefined, onRepairs: () => undefined },
    ...(dryRun && { dryRuns: { check } }),
  });
  const stop = new AbortController();
  void watch.run(stop.signal);
  return { clock, watch, told, state, flights, repairs, lines, [Symbol.dispose]: () => stop.abort() };
}

suite('rounds of looks at rules', () => {
  before(async () => {
    table = await listedTable();
  });

  test('begin every five seconds where a listing is short', async () => {
    using watched = watching();
    await watched.clock.pass(16_000);
    assert.deepEqual(watched.told, ['list 5', 'list 10', 'list 15']);
    assert.deepEqual([watched.state.every, watched.state.verified], [5000, 3]);
  });

  test('do not say that all is in force while a change waits', async () => {
    using watched = watching();
    table.model.networksChanged();
    await watched.clock.pass(6000);
    table.model.nextTransaction();
    assert.deepEqual([watched.told, watched.state.verified], [['list 5'], 0]);
    await watched.clock.pass(5000);
    assert.equal(watched.state.verified, 1);
  });

  test('begin at once where there is a sign of trouble', async () => {
    using watched = watching();
    await watched.clock.pass(2000);
    watched.watch.look();
    await watched.clock.pass(6000);
    assert.deepEqual(watched.told, ['list 2', 'list 7']);
  });

  test('wait until a table is in force again', async () => {
    using watched = watching();
    watched.state.inForce = false;
    await watched.clock.pass(20_500);
    assert.deepEqual(watched.told, []);
    watched.state.inForce = true;
    await watched.clock.pass(5000);
    assert.deepEqual(watched.told, ['list 25']);
  });

  test('are as rare as a listing is long', async () => {
    using watched = watching({ others: MANY });
    await watched.clock.pass(150_000);
    const [first, second, ...more] = watched.told;
    assert.deepEqual([first, more], ['list 5', []]);
    const seconds = Number(second?.split(' ')[1]);
    assert.equal(seconds, Math.round(5 + watched.state.every / 1000));
    assert.ok(seconds > 70 && seconds < 90, second);
  });

  test('have dry runs between them, and are rarer still', async () => {
    using watched = watching({ others: MANY, dryRun: () => undefined });
    await watched.clock.pass(101_000);
    const expected = Array.from({ length: 20 }, (_, i) => `dry run ${5 * (i + 1)}`);
    assert.deepEqual(watched.told, ['list 5', ...expected]);
    assert.equal(watched.state.verified, 20, 'each of both says that all is there');
    assert.ok(watched.state.every > 100_000 && watched.state.every < 130_000, `${watched.state.every}`);
  });

  test('come no later than without dry runs once these are not possible', async () => {
    using watched = watching({ others: MANY, dryRun: () => undefined });
    await watched.clock.pass(11_000);
    watched.state.dryRun = () => {
      throw new NftError('not-started', 'no');
    };
    await watched.clock.pass(79_000);
    assert.deepEqual(watched.told.slice(0, 4), ['list 5', 'dry run 5', 'dry run 10', 'dry run 15']);
    const [, seconds] = watched.told[4]?.split(' ') ?? [];
    assert.ok(watched.told[4]?.startsWith('list') && Number(seconds) > 70 && Number(seconds) < 90, `${watched.told}`);
  });

  test('follow a dry run that misses a rule: at once, and again half a second later', async () => {
    using watched = watching({ others: MANY, dryRun: () => undefined });
    await watched.clock.pass(11_000);
    watched.state.dryRun = () => {
      throw new NftError('not-found', 'no');
    };
    await watched.clock.pass(30_000);
    assert.deepEqual(watched.told, ['list 5', 'dry run 5', 'dry run 10', 'dry run 15', 'list 15', 'list 16']);
  });

  test('do not follow a dry run that misses what a transaction of ours replaces: it is repeated', async () => {
    using watched = watching({ others: MANY, dryRun: () => undefined });
    await watched.clock.pass(11_000);
    const [chain] = table.model.ruleset.elementsOf(AFFINITY_ENDPOINTS);
    assert.ok(chain !== undefined);
    const { verified } = watched.state;
    watched.state.dryRun = () => {
      watched.state.dryRun = () => undefined;
      void watched.flights.during({ deletes: [chain], adds: [] }, async () => undefined);
      throw new NftError('not-found', 'no');
    };
    await watched.clock.pass(5000);
    assert.deepEqual(watched.told.slice(3), ['dry run 15', 'dry run 16']);
    assert.equal(watched.state.verified, verified + 1);
  });

  test('say once in a row why they cannot be', async () => {
    using watched = watching();
    const { lines } = watched.state;
    watched.state.lines = ['table ip kube-proxy-nft {'];
    await watched.clock.pass(16_000);
    assert.equal(watched.lines.length, 1, watched.lines.join('\n'));
    assert.match(watched.lines[0] ?? '', /^W rules in the kernel cannot be compared with the model: /);
    watched.state.lines = lines;
    await watched.clock.pass(5000);
    watched.state.lines = ['table ip kube-proxy-nft {'];
    await watched.clock.pass(5000);
    assert.equal(watched.lines.length, 2);
  });

  test('find what is missing, which waits to be repaired, and look again after that', async () => {
    using watched = watching();
    watched.state.lines = table.lines.filter((line) => !line.includes('vmap @services '));
    await watched.clock.pass(6000);
    assert.deepEqual(watched.told, ['list 5', 'list 5', 'dispatch deleted']);
    assert.equal(watched.state.verified, 0);
    const repair = watched.repairs.takeRules();
    assert.equal(repair?.isValid(), true);
    assert.ok(repair?.commands.some((command) => command.includes('dispatch')));
    watched.state.lines = table.lines;
    watched.told.length = 0;
    repair?.done();
    await watched.clock.pass(1000);
    assert.deepEqual(watched.told, ['list 6']);
    assert.equal(watched.state.verified, 1);
  });
});
