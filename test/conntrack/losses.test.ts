import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ConntrackCounts,
  ConntrackLosses,
  parseStatistics,
  readConntrackCounts,
} from '../../src/conntrack/losses.ts';
import { recordingLog } from '../builders/recording-log.ts';

const HOUR = 3_600_000;
const NONE: ConntrackCounts = { drop: 0, insertFailed: 0, entries: 10, limit: 100 };

/** A look for each of the counts, at its time. */
function linesAfter(looks: readonly (readonly [time: number, counts: Partial<ConntrackCounts> | undefined])[]) {
  const { log, lines } = recordingLog();
  let [time, counts]: [number, ConntrackCounts | undefined] = [0, NONE];
  const losses = new ConntrackLosses({ log, read: () => counts, now: () => time });
  for (const [at, changed] of looks) {
    time = at;
    counts = changed && { ...NONE, ...changed };
    losses.look();
  }
  return lines;
}

describe('what conntrack loses', () => {
  it('is added up over the CPUs, by the names that the kernel has, in hexadecimal', () => {
    const text = `entries  clashres found new invalid insert insert_failed drop early_drop
00000010  00000000 00000000 00000000 00000000 00000000 0000000a 00000001 00000000
00000010  00000000 00000000 00000000 00000000 00000000 00000006 00000010 00000000
`;
    assert.deepEqual(parseStatistics(text), { drop: 17, insertFailed: 16 });
    assert.equal(parseStatistics(text.replace('insert_failed', 'renamed')), undefined);
    assert.equal(parseStatistics(''), undefined);
  });

  it('is read from the kernel of this machine', () => {
    const counts = readConntrackCounts();
    assert.ok(counts !== undefined && counts.limit > 0 && counts.drop >= 0, JSON.stringify(counts));
  });

  it('is told once, with how full the table is, and not what was lost before the start', () => {
    const lines = linesAfter([
      [5000, {}],
      [10_000, { drop: 7, entries: 100 }],
      [15_000, { drop: 9, entries: 100 }],
    ]);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^W conntrack has no room \(100 of 100 entries\): 7 first packets .*nf_conntrack_max/);
  });

  it('is told again after an hour without', () => {
    const lines = linesAfter([
      [1000, { drop: 1 }],
      [HOUR, { drop: 2 }],
      [HOUR + 5000, { drop: 3 }],
      [2 * HOUR + 5000, { drop: 4 }],
    ]);
    assert.equal(lines.length, 2);
  });

  it('for a clash has words of its own', () => {
    const lines = linesAfter([[1000, { insertFailed: 3, drop: 1 }]]);
    assert.equal(lines.length, 2);
    assert.match(lines.join(), /conntrack lost 3 first packets of connections with the addresses and ports of another/);
  });

  it('is not told where the kernel does not say, or begins to', () => {
    assert.deepEqual(
      linesAfter([
        [1000, undefined],
        [2000, { drop: 5 }],
      ]),
      [],
    );
  });
});
