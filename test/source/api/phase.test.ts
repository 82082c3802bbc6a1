import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../../src/source/api/decide.ts';
import type { ApiFailure } from '../../../src/source/api/failure.ts';
import { type Phase, type Step, stepOf } from '../../../src/source/api/phase.ts';
import { isOlder } from '../../../src/source/api/versions.ts';
import {
  AHEAD,
  answer,
  CIDRS,
  CUT,
  failed,
  GONE,
  IGNORED,
  LIST_DUE,
  NOBODY,
  SERVICES,
  START,
  TLS,
  TOO_LONG,
  WATCHING,
} from './outcomes.ts';

test('what is done next', () => {
  const steps: readonly [phase: Phase, streams: boolean, step: Step][] = [
    [START, true, 'stream'],
    [START, false, 'list'],
    [{ ...START, brokenStreams: 2 }, true, 'list'],
    [{ ...START, brokenStreams: 1, streamFailure: answer(500) }, true, 'list'],
    [WATCHING, true, 'watch'],
    [{ ...WATCHING, doubtful: true }, true, 'compare'],
    [{ ...WATCHING, ...LIST_DUE }, true, 'stream'],
  ];
  for (const [phase, streams, step] of steps) assert.equal(stepOf(phase, streams), step);
});

const refused = (failure: ApiFailure) => ({ failure, opened: false, streams: true });

test('whatever fails, and however often: never more than three attempts without a wait, and once a fourth', () => {
  const failure = fc.constantFrom(
    NOBODY,
    TLS,
    CUT,
    AHEAD,
    TOO_LONG,
    GONE,
    IGNORED,
    ...[400, 401, 403, 404, 422, 429, 500, 503].map((status) => answer(status)),
  );
  const each = fc.record({ failure, opened: fc.boolean(), streams: fc.boolean() });
  fc.assert(
    fc.property(
      fc.constantFrom(SERVICES, START, CIDRS),
      fc.array(each, { minLength: 20, maxLength: 60 }),
      (first, failures) => {
        let phase: Phase = { ...first, version: '100', seen: '100' };
        let [atOnce, extra] = [0, 0];
        for (const { failure: what, opened, streams } of failures) {
          const { phase: next, effects } = decide(phase, failed(stepOf(phase, streams), what, opened));
          // The stream is tried again without the field selector: once, since it is not sent again.
          if (phase.selecting && !next.selecting) extra = 1;
          phase = next;
          const waits = effects.some((effect) => effect.do === 'wait');
          atOnce = waits ? 0 : atOnce + 1;
          // 410 to a watch, a stream refused, and a field selector refused by the list in its place.
          assert.ok(atOnce <= 3 + extra);
          if (waits) extra = 0;
        }
      },
    ),
    { examples: [[SERVICES, [GONE, answer(400), answer(400), answer(422), NOBODY].map(refused)]] },
  );
});

test('versions are compared as numbers of any length', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n }), fc.bigInt({ min: 0n }), (a, b) => {
      assert.equal(isOlder(String(a), String(b)), a < b);
    }),
  );
  for (const odd of ['', '-1', '1.5', '0x10', '007', '1e3', ' 1', 'abc']) {
    assert.equal(isOlder(odd, '5'), undefined);
    assert.equal(isOlder('5', odd), undefined);
  }
});
