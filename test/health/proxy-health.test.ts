import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProxyHealth } from '../../src/health/proxy-health.ts';

/** A clock that goes when it is told to; unhealthy after 60 s. */
function withClock() {
  const clock = { now: 5000 };
  const health = new ProxyHealth({
    isNodeEligible: () => true,
    now: () => clock.now,
    date: () => 1_000_000 + clock.now,
  });
  return { clock, health };
}

suite('the proxy is healthy', () => {
  test('before it starts, whatever is queued', () => {
    const { clock, health } = withClock();
    health.queued('ip');
    clock.now += 100_000;
    assert.equal(health.isHealthy, true);
    assert.equal(health.report().families.size, 0);
  });

  test('without changes, for ever', () => {
    const { clock, health } = withClock();
    health.started('ip');
    clock.now += 1e12;
    assert.equal(health.isHealthy, true);
  });

  test('until a change has waited for two sync periods', () => {
    const { clock, health } = withClock();
    health.started('ip');
    clock.now += 10_000;
    health.queued('ip');
    clock.now += 59_999;
    assert.equal(health.isHealthy, true);
    clock.now += 1;
    assert.equal(health.isHealthy, false);
  });

  test('by the oldest change: later ones give no more time', () => {
    const { clock, health } = withClock();
    health.started('ip');
    health.queued('ip');
    clock.now += 59_999;
    health.queued('ip');
    clock.now += 1;
    assert.equal(health.isHealthy, false);
  });

  test('again once what waited is in force, and the next change has its own time', () => {
    const { clock, health } = withClock();
    health.started('ip');
    health.queued('ip');
    clock.now += 60_000;
    health.synced('ip');
    assert.equal(health.isHealthy, true);
    clock.now += 60_000;
    health.queued('ip');
    clock.now += 59_999;
    assert.equal(health.isHealthy, true);
    clock.now += 1;
    assert.equal(health.isHealthy, false);
  });

  test('only with both families', () => {
    const { clock, health } = withClock();
    for (const family of ['ip6', 'ip'] as const) health.started(family);
    health.queued('ip6');
    clock.now += 60_000;
    health.synced('ip');
    const { healthy, families } = health.report();
    assert.equal(healthy, false);
    assert.deepEqual(
      [...families],
      [
        ['ip', { lastUpdated: 1_065_000, healthy: true }],
        ['ip6', { lastUpdated: 1_005_000, healthy: false }],
      ],
    );
  });

  test('by the sync period it is given', () => {
    const clock = { now: 0 };
    const health = new ProxyHealth({ isNodeEligible: () => true, syncPeriod: 1000, now: () => clock.now });
    health.started('ip');
    health.queued('ip');
    clock.now = 1999;
    assert.equal(health.isHealthy, true);
    clock.now = 2000;
    assert.equal(health.isHealthy, false);
  });
});

suite('rules that are not ours', () => {
  /** Looks every 5 s for so long. */
  const look = ({ clock, health }: ReturnType<typeof withClock>, seconds: number, isDifferent: boolean) => {
    for (let passed = 0; passed < seconds; passed += 5) {
      clock.now += 5000;
      health.compared('ip', isDifferent);
    }
  };

  test('make a family unhealthy once looks have found them for two sync periods, until one finds none', () => {
    const state = withClock();
    state.health.started('ip');
    look(state, 60, true);
    assert.equal(state.health.isHealthy, true, 'a minute from the first look');
    look(state, 5, true);
    assert.equal(state.health.isHealthy, false);
    state.health.synced('ip');
    assert.equal(state.health.isHealthy, false, 'a change that came into force repairs no rule');
    look(state, 5, false);
    assert.equal(state.health.isHealthy, true);
  });

  test('that are repaired in between do not add up', () => {
    const state = withClock();
    state.health.started('ip');
    for (let i = 0; i < 20; i++) {
      look(state, 55, true);
      look(state, 5, false);
      assert.equal(state.health.isHealthy, true);
    }
  });

  test('do not count where no look has come to an end since: nothing is known then', () => {
    const state = withClock();
    state.health.started('ip');
    look(state, 90, true);
    state.clock.now += 60_000;
    assert.equal(state.health.isHealthy, true);
  });
});

suite('a restart', () => {
  test('could not help while nft or the kernel refuse its requests', () => {
    const { clock, health } = withClock();
    health.started('ip');
    for (let i = 0; i < 100; i++) {
      health.failed('ip', false);
      clock.now += 10_000;
    }
    const { healthy, alive } = health.report();
    assert.deepEqual({ healthy, alive }, { healthy: false, alive: true });
  });

  test('could help where the last failure was a fault of the process, once a change has waited for its time', () => {
    const { clock, health } = withClock();
    health.started('ip');
    health.failed('ip', true);
    clock.now += 59_999;
    assert.equal(health.report().alive, true);
    clock.now += 1;
    assert.equal(health.report().alive, false);
    health.failed('ip', false);
    assert.equal(health.report().alive, true);
    health.failed('ip', true);
    health.synced('ip');
    clock.now += 1e9;
    assert.equal(health.report().alive, true);
  });

  test('could help where a change waits and nothing has come of anything for five minutes', () => {
    const { clock, health } = withClock();
    health.started('ip');
    clock.now += 1e9;
    health.queued('ip');
    health.worked('ip');
    clock.now += 299_999;
    assert.equal(health.report().alive, true);
    clock.now += 1;
    assert.equal(health.report().alive, false);
    health.worked('ip');
    assert.equal(health.report().alive, true);
  });

  test('could not help rules that others change again and again', () => {
    const { clock, health } = withClock();
    health.started('ip');
    for (let i = 0; i < 100; i++) {
      clock.now += 5000;
      health.compared('ip', true);
    }
    const { healthy, alive } = health.report();
    assert.deepEqual({ healthy, alive }, { healthy: false, alive: true });
  });
});

test('work that failed and is given up does not make the proxy unhealthy once a look finds nothing to do', () => {
  const { clock, health } = withClock();
  health.started('ip');
  health.failed('ip', false);
  clock.now += 5000;
  health.verified('ip');
  clock.now += 1e9;
  assert.equal(health.isHealthy, true);
});
