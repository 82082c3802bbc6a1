import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NetworkProgramming } from '../../src/metrics/network-programming.ts';
import { ready, slice } from '../builders/objects.ts';

const START = 1_000_000;

function tracker(families: readonly ('ip' | 'ip6')[] = ['ip', 'ip6']) {
  const observed: string[] = [];
  const programming = new NetworkProgramming(families, START, (family, seconds) => {
    observed.push(`${family} ${seconds}`);
  });
  const changed = (address: string | undefined, triggeredAt: number | undefined) =>
    programming.sliceChanged(
      slice(address === undefined ? [] : [ready(address)], triggeredAt === undefined ? {} : { triggeredAt }),
    );
  const write = (family: 'ip' | 'ip6', now: number) => {
    programming.taken(family);
    programming.synced(family, now);
  };
  return { programming, observed, changed, write };
}

suite('network programming', () => {
  test('is measured for each change, in its own family', () => {
    const { observed, changed, write } = tracker();
    changed('10.0.0.1', START + 1000);
    changed('10.0.0.1', START + 2000);
    changed('2001:db8::1', START + 3000);
    write('ip', START + 4000);
    assert.deepEqual(observed, ['ip 3', 'ip 2']);
    write('ip6', START + 4000);
    assert.deepEqual(observed.slice(2), ['ip6 1']);
    write('ip', START + 9000);
    assert.equal(observed.length, 3);
  });

  test('is not measured for changes without a time, or from before the start', () => {
    const { observed, changed, write } = tracker();
    changed('10.0.0.1', undefined);
    changed('10.0.0.1', START);
    changed('10.0.0.1', START - 3_600_000);
    write('ip', START + 1000);
    assert.deepEqual(observed, []);
  });

  test('of a slice that lost its endpoints counts for every family that is programmed', () => {
    const { observed, changed, write } = tracker(['ip']);
    changed(undefined, START + 1);
    changed('2001:db8::1', START + 1);
    write('ip', START + 1001);
    write('ip6', START + 1001);
    assert.deepEqual(observed, ['ip 1']);
  });

  test('ends with the transaction that takes the change, not with an earlier or a failed one', () => {
    const { programming, observed, changed, write } = tracker();
    programming.taken('ip');
    changed('10.0.0.1', START + 1000);
    programming.synced('ip', START + 2000);
    programming.taken('ip');
    programming.failed('ip');
    programming.synced('ip', START + 2500);
    assert.deepEqual(observed, []);
    write('ip', START + 3000);
    assert.deepEqual(observed, ['ip 2']);
  });

  test('takes no time where the controller’s clock is ahead', () => {
    const { observed, changed, write } = tracker();
    changed('10.0.0.1', START + 60_000);
    write('ip', START + 1000);
    assert.deepEqual(observed, ['ip 0']);
  });

  test('is bounded while the kernel is not written: the first changes are kept', () => {
    const { observed, changed, write } = tracker();
    for (let index = 1; index <= 10_001; index++) changed('10.0.0.1', START + index);
    write('ip', START + 10_001);
    assert.deepEqual([observed.length, observed[0], observed.at(-1)], [10_000, 'ip 10', 'ip 0.001']);
  });
});
