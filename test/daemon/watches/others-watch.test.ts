import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { OthersWatch } from '../../../src/daemon/watches/others-watch.ts';
import type { ForeignChange } from '../../../src/nft/ruleset-monitor.ts';
import { recordingLog } from '../../builders/recording-log.ts';

const CHANGE: ForeignChange = {
  pid: 7,
  process: 'nft, started by sh',
  command: 'flush chain ip kube-proxy-nft dispatch',
};

function setUp(options: { readonly always?: boolean; readonly size?: number } = {}) {
  const { log, lines } = recordingLog();
  const clock = { now: 0 };
  const runs: number[] = [];
  const told: { see?: (change: ForeignChange) => void } = {};
  const watch = new OthersWatch({
    log,
    always: options.always ?? false,
    size: () => options.size ?? 100,
    now: () => clock.now,
    monitor: (onForeign) => {
      told.see = onForeign;
      return { runFor: async (milliseconds) => void runs.push(milliseconds), stop: () => undefined };
    },
  });
  watch.start();
  return { watch, lines, clock, runs, see: (change: ForeignChange) => told.see?.(change) };
}

suite('who changes our rules', () => {
  test('is looked for when something is done again within ten minutes', () => {
    const { watch, clock, runs } = setUp();
    watch.drifted();
    clock.now = 700_000;
    watch.drifted();
    assert.deepEqual(runs, []);
    clock.now += 5_000;
    watch.drifted();
    assert.deepEqual(runs, [600_000]);
  });

  test('is not looked for where our tables are large, unless a flag says so', () => {
    const { watch, runs } = setUp({ size: 20_001 });
    watch.drifted();
    watch.drifted();
    assert.deepEqual(runs, []);
    const always = setUp({ size: 20_001, always: true });
    assert.deepEqual(always.runs, [Number.POSITIVE_INFINITY]);
  });

  test('is told once by name, and is the last one seen', () => {
    const { watch, lines, see } = setUp();
    assert.equal(watch.last, undefined);
    see(CHANGE);
    see({ ...CHANGE, pid: 8 });
    assert.deepEqual(lines, [
      'W our rules are changed by process 7 (nft, started by sh): flush chain ip kube-proxy-nft dispatch',
    ]);
    assert.equal((watch.last as ForeignChange | undefined)?.pid, 8);
  });
});
