import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Family } from '../../src/ip.ts';
import { NftError } from '../../src/nft/run.ts';
import type { SyncResult } from '../../src/sync/observer.ts';
import { Pace } from '../../src/sync/pace.ts';
import { clusterWith } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { recordingNft } from '../builders/recording-nft.ts';
import { startSyncer } from '../builders/syncers.ts';
import { FakeClock } from './fake-clock.ts';

/** An nft that takes everything until it is told to refuse some; `times`: when it was given something. */
function timedNft(clock: FakeClock) {
  const times: number[] = [];
  const faults = { refuses: (_: string): boolean => false };
  const { nft, documents } = recordingNft({
    apply: async (json) => {
      times.push(clock.now());
      if (faults.refuses(json)) throw new NftError('refused', 'no');
    },
  });
  return { nft, documents, times, faults };
}

/** Syncers of both families on one clock, with Service default/web in force in each. */
async function start(changes: Parameters<typeof service>[0] = {}) {
  const clock = new FakeClock();
  const pace = new Pace(clock, 50);
  const cluster = clusterWith(service({ clusterIps: ['10.96.0.10', 'fd00::10'], ...changes }));
  const member = (family: Family) => {
    const timed = timedNft(clock);
    return { ...timed, ...startSyncer(timed.nft, cluster, { family, clock, pace }) };
  };
  const [four, six] = [member('ip'), member('ip6')];
  /** Gives the Service so many endpoints in each family. */
  const scale = (endpoints: number) => {
    const changed = ['10.0.0.', 'fd00:1::'].flatMap((prefix, family) => {
      const all = Array.from({ length: endpoints }, (_, i) => ready(`${prefix}${i + 1}`));
      return cluster.set(slice(all, { name: `web-${family}` }));
    });
    for (const { syncer } of [four, six]) syncer.changed(changed);
  };
  scale(8);
  await clock.pass(1000);
  for (const { times } of [four, six]) times.length = 0;
  const began = clock.now();
  const timesOf = ({ times }: typeof four) => times.map((time) => time - began);
  const stop = () => {
    for (const { syncer } of [four, six]) syncer.stop();
  };
  return { clock, four, six, scale, timesOf, [Symbol.dispose]: stop };
}

suite('a syncer', () => {
  test('sends the first change at once, those that follow 50 ms apart, both families at the same moment', async () => {
    using both = await start();
    for (let endpoints = 9; endpoints <= 14; endpoints++) {
      both.scale(endpoints);
      await both.clock.pass(20);
    }
    assert.deepEqual([...new Set(both.timesOf(both.four))], [0, 50, 100]);
    assert.deepEqual(both.timesOf(both.six), both.timesOf(both.four));
  });

  test('counts a change of the other family as in force at once, unless its own wait', async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const observer = { unaffected: () => told.push('unconcerned'), succeeded: () => told.push('done') };
    const { nft, times } = timedNft(clock);
    using six = startSyncer(nft, [service()], { family: 'ip6', clock, observer });
    const { cluster, syncer } = six;
    await clock.pass(1000);
    told.length = times.length = 0;
    syncer.changed(cluster.set(slice([ready('10.0.0.1')])));
    await clock.pass(1000);
    assert.deepEqual([told, times], [['unconcerned'], []]);
    syncer.changed(cluster.set(service({ clusterIps: ['fd00::10'] })));
    syncer.changed(['default/unknown']);
    await clock.pass(1000);
    assert.deepEqual(told, ['unconcerned', 'done'], 'the transaction that was due tells of both');
  });

  test('is in sync before a change, not while it is on its way, and again when it is in force', async () => {
    using both = await start();
    const { syncer, times } = both.four;
    const isInSync = () => Promise.race([syncer.whenInSync().then(() => true), nextTurn(false)]);
    both.scale(9);
    await both.clock.pass(10);
    assert.equal(await isInSync(), true);
    times.length = 0;
    both.scale(10);
    assert.equal(await isInSync(), false);
    assert.deepEqual(times, [], 'it waits for its turn');
    const waiting = syncer.whenInSync().then(() => 'in sync');
    both.scale(11);
    await both.clock.pass(100);
    assert.ok(times.length > 0);
    assert.equal(
      await Promise.race([waiting, nextTurn('not yet')]),
      'in sync',
      'who waited before another change, too',
    );
    assert.equal(await isInSync(), true);
  });

  test('says that it took in all that was known only where nothing is left for the next transaction', async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const observer = { caughtUp: () => told.push('all'), succeeded: () => told.push('done') };
    using one = startSyncer(timedNft(clock).nft, [service()], { clock, observer });
    await clock.pass(1000);
    told.length = 0;
    const many = Array.from({ length: 2500 }, (_, i) =>
      service({ name: `s${i}`, clusterIps: [`10.97.${i >> 8}.${i & 255}`] }),
    );
    one.syncer.changed(many.flatMap((each) => one.cluster.set(each)));
    await one.syncer.whenInSync();
    const first = told.indexOf('all');
    assert.ok(first > 1, `${told}: several transactions before that of the last Services`);
    assert.equal(told[first + 1], 'done');
  });

  test('tells when it begins with a change, when nothing is left, and when that is in force', async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const observer = {
      ...{ queued: () => told.push('queued'), began: () => told.push('began'), caughtUp: () => told.push('all') },
      succeeded: ({ kind, services }: SyncResult) => told.push(`${kind} ${services}`),
    };
    using one = startSyncer(timedNft(clock).nft, [service()], { clock, observer });
    await clock.pass(1000);
    told.length = 0;
    one.syncer.changed(one.cluster.set(slice([ready('10.0.0.1')])));
    await clock.pass(1000);
    assert.deepEqual(told, ['queued', 'began', 'all', 'partial default/web']);
  });

  test('tries what nft has refused between other changes, however many come', async () => {
    const clock = new FakeClock();
    const { nft, documents, faults } = timedNft(clock);
    const others = ['partner', 'busy'].map((name, i) => service({ name, clusterIps: [`10.96.1.${i}`] }));
    const objects = [service(), ...others];
    using one = startSyncer(nft, objects, { clock, pace: new Pace(clock, 50) });
    const { cluster, syncer } = one;
    await clock.pass(1000);
    documents.splice(0);
    let last = 0;
    faults.refuses = (json) => {
      // Before this transaction ends, another change waits.
      const name = 'busy';
      syncer.changed(cluster.set(slice([ready(`10.2.0.${++last % 250}`)], { name, serviceName: name })));
      return json.includes('10.0.0.66') && json.includes('10.1.0.1');
    };
    syncer.changed([
      ...cluster.set(slice([ready('10.0.0.66')])),
      ...cluster.set(slice([ready('10.1.0.1')], { name: 'partner', serviceName: 'partner' })),
    ]);
    await clock.pass(1000);
    const tried = documents.findIndex((json) => json.includes('10.0.0.66') && !json.includes('10.1.0.1'));
    assert.ok(tried > 0 && tried < 5, `${tried} of ${documents.length}`);
    assert.ok(documents.length > 15, 'there is no end of changes');
  });

  test('sends a transaction for each step of a slow start when it is due, and none besides', async () => {
    using both = await start({ options: { slowStartSeconds: 2 } });
    both.scale(9);
    await both.clock.pass(3500);
    const times = both.timesOf(both.four);
    // Steps are at full quarters of a second, the first is the longer one; with the last the other slots go, hop by hop.
    assert.deepEqual([...new Set(times.filter((time) => time <= 2000))], [0, 500, 750, 1000, 1250, 1500, 1750, 2000]);
    assert.ok(
      times.every((time) => time < 2200),
      `${times}`,
    );
  });

  test('builds a table in smaller parts where nft does not survive large ones', async () => {
    const clock = new FakeClock();
    const { nft, documents, faults } = timedNft(clock);
    const most = 25_000;
    let killed = 0;
    faults.refuses = (json) => {
      if (json.length <= most) return false;
      killed++;
      throw new NftError('unknown-outcome', 'nft was killed');
    };
    const many = Array.from({ length: 1000 }, (_, i) =>
      service({ name: `s${i}`, clusterIps: [`10.97.${i >> 8}.${i & 255}`] }),
    );
    using one = startSyncer(nft, many, { clock });
    await clock.pass(20_000);
    const isInSync = await Promise.race([one.syncer.whenInSync().then(() => true), nextTurn(false)]);
    assert.equal(isInSync, true, `killed ${killed} times`);
    assert.ok(killed > 0 && killed < 10, `${killed}`);
    assert.ok(documents.filter((json) => json.length <= most).length > 5);
  });

  test('suspects no frontend where nft could not be started', async () => {
    using both = await start();
    const { faults, model, syncer } = both.four;
    const suspected: boolean[] = [];
    faults.refuses = () => {
      faults.refuses = () => {
        suspected.push(model.suspects.areThere);
        return false;
      };
      throw new NftError('not-started', 'no memory');
    };
    both.scale(9);
    await both.clock.pass(10_000);
    await syncer.whenInSync();
    assert.ok(suspected.length > 0 && !suspected.includes(true), `${suspected}`);
  });

  test('looks after its table by itself where nobody watches it', async () => {
    const clock = new FakeClock();
    using one = startSyncer(timedNft(clock).nft, [service()], { clock, watch: false });
    await clock.pass(4000);
    assert.doesNotMatch(one.lines.join('\n'), /building it anew/);
    await clock.pass(60_000);
    assert.match(one.lines.join('\n'), /W somebody removed or changed our table: building it anew/);
  });

  test('sends nothing more once it was told to stop, whatever waits for its turn', async () => {
    using both = await start();
    both.scale(9);
    await both.clock.pass(10);
    both.scale(10);
    await both.clock.pass(10);
    const running = both.four.stop();
    await both.clock.pass(1000);
    await running;
    assert.deepEqual([...new Set(both.timesOf(both.four))], [0]);
    assert.deepEqual([...new Set(both.timesOf(both.six))], [0, 50]);
  });

  test('deletes what only waits for that when nothing else comes for 50 ms', async () => {
    using both = await start();
    both.scale(0);
    await both.clock.pass(49);
    assert.deepEqual(both.timesOf(both.four), [0], 'the verdict');
    await both.clock.pass(10);
    assert.deepEqual(both.timesOf(both.four), [0, 50], 'the slots');
  });

  test('does not let a change wait for what only waits to be deleted', async () => {
    using both = await start();
    both.scale(0);
    await both.clock.pass(30);
    both.scale(8);
    await both.clock.pass(200);
    assert.deepEqual(both.timesOf(both.four), [0, 50], 'two changes, and nothing is deleted that is wanted again');
  });

  test('goes on while the other family fails', async () => {
    using both = await start();
    both.six.faults.refuses = () => true;
    for (let endpoints = 9; endpoints <= 12; endpoints++) {
      both.scale(endpoints);
      await both.clock.pass(50);
    }
    assert.deepEqual([...new Set(both.timesOf(both.four))], [0, 50, 100, 150]);
  });

  for (const [what, isWell] of [
    ['is left out if nft takes one that changes nothing', true],
    ['is not to blame if nft does not even take one that changes nothing', false],
  ] as const) {
    test(`a frontend that nft refuses in a transaction of its own ${what}`, async () => {
      using both = await start();
      const { faults, documents, shortfalls, lines } = both.four;
      const changesNothing = (json: string) => !json.includes('element');
      faults.refuses = (json) => !(isWell && changesNothing(json));
      documents.splice(0);
      both.scale(9);
      await both.clock.pass(500);
      assert.equal(shortfalls.count('quarantined'), isWell ? 1 : 0, lines.join('\n'));
      assert.deepEqual(documents.slice(0, 3).map(changesNothing), [false, false, true]);
    });
  }
});
