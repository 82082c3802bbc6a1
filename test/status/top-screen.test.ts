import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Connections, LimitedService } from '../../src/status/connections.ts';
import { type TopFrame, topScreen } from '../../src/status/top-screen.ts';

const reading = (readAt: number, limited?: readonly LimitedService[]): Connections => ({
  ...{ readAt, counted: true, ports: [] },
  ...(limited && { limited }),
});

const frame = (now: Connections, before: Connections, namespace = ''): TopFrame => ({
  ...{ now, before, namespace, view: { order: 'rate', from: 0 }, problem: undefined },
  ...{ columns: 200, rows: 10, isColoured: false },
});

const web = (counts: Pick<LimitedService, 'limited' | 'full' | 'unlimited'>) => ({
  ...{ namespace: 'default', service: 'web' },
  ...counts,
});

suite('the first line of top', () => {
  const before = reading(1000, [web({ limited: 10, full: 1, unlimited: 5 })]);
  const now = reading(3000, [web({ limited: 20, full: 3, unlimited: 9 })]);

  test('says how many connections a second limits refused, of the Services that are shown', () => {
    assert.match(topScreen(frame(now, before))[0] ?? '', /0\.0\/s refused or dropped, 6\.0\/s of them by limits \(/);
    assert.match(topScreen(frame(now, before, 'other'))[0] ?? '', /dropped, 0\.0\/s of them by limits \(/);
  });

  test('says nothing of limits where no Service has any', () => {
    assert.match(topScreen(frame(reading(3000), reading(1000)))[0] ?? '', /refused or dropped \(/);
  });
});
