import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';

/** Milliseconds up to some hundred days, and seconds up to some hundred years. */
const printable = fc.oneof(
  fc.integer({ min: -9e9, max: 9e9 }),
  fc.integer({ min: -4e9, max: 4e9 }).map((seconds) => seconds * 1000),
);

suite('Go’s durations', () => {
  const cases: readonly [text: string, milliseconds: number | undefined, printed?: string][] = [
    ['0', 0, '0s'],
    ['0s', 0, '0s'],
    ['-0m', 0, '0s'],
    ['30s', 30_000, '30s'],
    ['90s', 90_000, '1m30s'],
    ['1h0m0s', 3_600_000, '1h0m0s'],
    ['24h', 86_400_000, '24h0m0s'],
    ['1.5h', 5_400_000, '1h30m0s'],
    ['.5s', 500, '500ms'],
    ['1.s', 1000, '1s'],
    ['1m1.25s', 61_250, '1m1.25s'],
    ['250us', 0.25, '250µs'],
    ['1500ns', 0.0015, '1.5µs'],
    ['+2ms', 2, '2ms'],
    ['-2m', -120_000, '-2m0s'],
    ['8760h', 31_536_000_000, '8760h0m0s'],
    ['', undefined],
    ['30', undefined],
    ['s', undefined],
    ['.s', undefined],
    ['1d', undefined],
    ['1 s', undefined],
    ['1s-1s', undefined],
    ['30S', undefined],
    ['3000000h', undefined],
    ['9'.repeat(101), undefined],
  ];
  for (const [text, milliseconds, printed] of cases) {
    test(`${JSON.stringify(text.slice(0, 20))} is ${milliseconds}`, () => {
      const parsed = parseDuration(text);
      assert.equal(parsed, milliseconds);
      if (parsed !== undefined) assert.equal(formatDuration(parsed), printed);
    });
  }

  test('are printed so that they are read as they were', () => {
    fc.assert(
      fc.property(printable, (milliseconds) => {
        assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds === 0 ? 0 : milliseconds);
      }),
    );
  });
});
