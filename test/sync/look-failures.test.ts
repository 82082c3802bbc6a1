import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NftError } from '../../src/nft/run.ts';
import { LookFailures } from '../../src/sync/look-failures.ts';
import type { LooksOptions } from '../../src/sync/watch-options.ts';
import { recordingLog } from '../builders/recording-log.ts';

const REFUSED = new NftError('not-permitted', 'Operation not permitted');
const MISSING = new NftError('not-found', 'No such file or directory');
const SLOW = new NftError('unknown-outcome', 'killed after 20 s', true);

/** Failures of looks at a table that is in force, or not. */
function failuresOf(isInForce = true) {
  const { log, lines } = recordingLog();
  let missing = 0;
  const failures = new LookFailures(
    {
      log,
      model: { family: 'ip' } as LooksOptions['model'],
      onMissing: () => void missing++,
      table: () => (isInForce ? 'kube-proxy-nft' : undefined),
    },
    'rules',
  );
  return { failures, lines, missing: () => missing };
}

suite('listings that fail', () => {
  test('are tried again after pauses that double, up to ten minutes, until one succeeds', () => {
    const { failures } = failuresOf();
    const pauses = [failures.pause];
    for (let failure = 0; failure < 9; failure++) {
      failures.failed(REFUSED);
      pauses.push(failures.pause / 1000);
    }
    assert.deepEqual(pauses, [0, 5, 10, 20, 40, 80, 160, 320, 600, 600]);
    failures.succeeded();
    assert.equal(failures.pause, 0);
  });

  test('are told of once in a row', () => {
    const { failures, lines } = failuresOf();
    failures.failed(REFUSED);
    failures.failed(REFUSED);
    assert.equal(lines.length, 1);
    assert.match(JSON.stringify(lines[0]), /rules in the kernel cannot be compared .*Operation not permitted/);
    failures.succeeded();
    failures.failed(REFUSED);
    assert.equal(lines.length, 2);
  });

  test('are not told of where nft only takes too long', () => {
    const { failures, lines, missing } = failuresOf();
    failures.failed(SLOW);
    assert.deepEqual([lines.length, missing()], [0, 0]);
    assert.ok(failures.pause > 0);
  });

  test('show that something is missing where nft does not find it', () => {
    const { failures, lines, missing } = failuresOf();
    failures.failed(MISSING);
    assert.deepEqual([lines.length, missing()], [0, 1]);
  });

  test('count only while the table is in force', () => {
    const { failures, lines, missing } = failuresOf(false);
    failures.failed(REFUSED);
    failures.failed(MISSING);
    assert.deepEqual([failures.pause, lines.length, missing()], [0, 0, 0]);
  });
});
