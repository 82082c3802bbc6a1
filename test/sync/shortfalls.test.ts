import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Shortfall } from '../../src/service/shortfall.ts';
import { Shortfalls } from '../../src/sync/shortfalls.ts';
import { recordingLog } from '../builders/recording-log.ts';

const HOUR = 3_600_000;
const WEB = { kind: 'Service', key: 'default/web' } as const;

function setUp() {
  const { log, lines } = recordingLog();
  const told: Shortfall[] = [];
  const clock = { now: 0 };
  const shortfalls = new Shortfalls({ log, onShortfall: (one) => told.push(one), now: () => clock.now });
  return { shortfalls, lines, told, clock };
}

suite('what is not served as specified', () => {
  test('is told in one line and one event, and listed', () => {
    const { shortfalls, lines, told } = setUp();
    shortfalls.report(WEB, 'service-budget', 'too much', 'ip');
    assert.deepEqual(lines, ['W Service default/web: too much (service-budget)']);
    const one = { ...WEB, reason: 'service-budget', message: 'too much' };
    assert.deepEqual(told, [one]);
    assert.deepEqual([...shortfalls.all()], [one]);
    assert.deepEqual([shortfalls.count('service-budget'), shortfalls.count('total-budget')], [1, 0]);
  });

  test('is told where nobody listens for events, too', () => {
    const { log, lines } = recordingLog();
    new Shortfalls({ log }).report(WEB, 'service-budget', 'too much');
    assert.deepEqual(lines, ['W Service default/web: too much (service-budget)']);
  });

  test('is told once for an object and reason, whatever changes and whoever reports it', () => {
    const { shortfalls, lines, told } = setUp();
    shortfalls.report(WEB, 'service-budget', 'a', 'ip');
    shortfalls.report(WEB, 'service-budget', 'b', 'ip');
    shortfalls.report(WEB, 'service-budget', 'c', 'ip6');
    shortfalls.report(WEB, 'service-budget', undefined, 'ip');
    shortfalls.report(WEB, 'service-budget', 'b', 'ip');
    assert.deepEqual([lines.length, told.length], [1, 1]);
    shortfalls.report(WEB, 'quarantined', 'a', 'ip');
    assert.deepEqual([lines.length, told.length], [2, 2]);
  });

  test('is over when nobody who reported it does any more', () => {
    const { shortfalls } = setUp();
    shortfalls.report(WEB, 'total-budget', 'a', 'ip');
    shortfalls.report(WEB, 'total-budget', 'b', 'ip6');
    assert.deepEqual([...shortfalls.all()], [{ ...WEB, reason: 'total-budget', message: 'a; b' }]);
    shortfalls.report(WEB, 'total-budget', undefined, 'ip');
    assert.equal(shortfalls.count('total-budget'), 1);
    shortfalls.report(WEB, 'total-budget', undefined, 'ip6');
    shortfalls.report(WEB, 'total-budget', undefined, 'ip6');
    assert.deepEqual([...shortfalls.all()], []);
  });

  test('is forgotten of a reporter that begins anew', () => {
    const { shortfalls, lines } = setUp();
    shortfalls.report(WEB, 'service-budget', 'a', 'ip');
    shortfalls.report({ kind: 'ServiceCIDR', key: 'kubernetes' }, 'service-cidr', 'a', 'ip6');
    shortfalls.forget('ip');
    assert.deepEqual(
      [...shortfalls.all()].map(({ kind }) => kind),
      ['ServiceCIDR'],
    );
    shortfalls.report(WEB, 'service-budget', 'a', 'ip');
    assert.equal(lines.length, 2);
  });

  test('is kept as another reporter has it', () => {
    const { shortfalls } = setUp();
    shortfalls.report(WEB, 'service-budget', 'a', 'ip');
    shortfalls.report(WEB, 'service-budget', 'b', 'ip6');
    shortfalls.forget('ip');
    assert.deepEqual([...shortfalls.all()], [{ ...WEB, reason: 'service-budget', message: 'b' }]);
  });

  test('is said of no more than 100 an hour, with a line that says so, and told on of 20; all are counted', () => {
    const { shortfalls, lines, told, clock } = setUp();
    const report = (from: number) => {
      for (let i = from; i < from + 2000; i++) {
        shortfalls.report({ kind: 'Service', key: `n${i}/s` }, 'service-budget', 'a', 'ip');
      }
    };
    report(0);
    assert.deepEqual([lines.length, told.length, shortfalls.count('service-budget')], [101, 20, 2000]);
    assert.match(lines.at(-1) ?? '', /^W 100 shortfalls were reported; further ones in this hour are logged only at/);
    clock.now = HOUR;
    report(2000);
    assert.deepEqual([lines.length, told.length], [202, 40]);
  });

  test('is told of a bystander and of a ServiceCIDR, after 200 bad Services of a tenant that come and go', () => {
    const { shortfalls, lines, told } = setUp();
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 200; i++) {
        const subject = { kind: 'Service', key: `tenant/s${i}` } as const;
        shortfalls.report(subject, 'annotation', 'a', 'ip');
        shortfalls.report(subject, 'annotation', undefined, 'ip');
      }
    }
    assert.deepEqual([lines.length, told.length], [26, 5]);
    assert.match(lines.at(-1) ?? '', /^W 25 shortfalls were reported in namespace tenant alone; further ones there/);
    shortfalls.report(WEB, 'quarantined', 'refused', 'ip');
    const cidr = { kind: 'ServiceCIDR', key: 'kubernetes' } as const;
    shortfalls.report(cidr, 'service-cidr', 'overlaps', 'ip');
    assert.deepEqual(lines.slice(-2), [
      'W Service default/web: refused (quarantined)',
      'W ServiceCIDR kubernetes: overlaps (service-cidr)',
    ]);
    assert.deepEqual(
      told.slice(-2).map(({ key }) => key),
      ['default/web', 'kubernetes'],
    );
  });
});
