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
